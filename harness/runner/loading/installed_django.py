"""Checks the version of the Django that is imported, before the other modules import more of it."""

from __future__ import annotations

from pathlib import Path

import django

from ...errors import ProjectError
from ...protocol.options import django_version


def check_django(asked: str) -> None:
    """Raise ``ProjectError`` unless the runner can use the imported Django, and it is what was *asked* for, if anything was."""
    if django.VERSION[:2] < django_version.OLDEST:
        oldest = ".".join(map(str, django_version.OLDEST))
        raise ProjectError(
            f"The project's Django is {django.get_version()}, and the harness runs {oldest} and later.",
            hint=f"--django {oldest} tests the project on that one, with its other packages as they are.",
        )
    if asked and not django_version.fits(asked, django.VERSION):
        raise ProjectError(
            f"Django {asked} was asked for, and the tests would run on Django {django.get_version()} in"
            f" {Path(django.__file__).parent}.",
            hint="With --runner host nothing is installed: install it beside harness, with pip install"
            f" '{django_version.requirement(asked)}'. In an image, a Django that the project takes from a repository, a"
            " folder or a URL, or has among its own files, is not replaced.",
        )
