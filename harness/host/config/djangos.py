"""The values of ``--django``: versions of Django, each of which is an own run on every backend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.errors import UsageError
from harness.protocol.options import django_version

_OLDEST = "Django {}.{}".format(*django_version.OLDEST)
_MAIN = ("main", "master", "dev")


def read_djangos(texts: Iterable[str], place: str) -> tuple[str, ...]:
    """The versions in *texts*, in which commas may separate several; errors name their *place*. Raises ``UsageError``."""
    versions = tuple(version for text in texts for version in text.replace(",", " ").split())
    for number, version in enumerate(versions):
        if not django_version.is_version(version):
            raise UsageError(f"{place}: {version!r} is no version of Django.", hint=_hint(version))
        if django_version.is_too_old(version):
            raise UsageError(f"{place}: Django {version} is too old.", hint=f"The harness runs {_OLDEST} and later.")
        if version in versions[:number]:
            raise UsageError(f"{place}: Django {version} twice.", hint="Name each once: each version is one run.")
    return versions


def check_python(django: str, pythons: Sequence[str]) -> None:
    """Raise ``UsageError`` if *django*, unless it is empty, is known to run on none of *pythons*."""
    oldest = django_version.oldest_python(django) if django else None
    if oldest and not any(django_version.admits(django, python) for python in pythons):
        needed = ".".join(map(str, oldest))
        raise UsageError(
            f"Django {django} requires Python {needed} or later, and the run would have Python {', '.join(pythons)}.",
            hint=f'Name another: --python {needed}, or python = "{needed}" in [tool.harness].',
        )


def _hint(version: str) -> str:
    if version in _MAIN:
        return (
            "Only releases are installed so, since an image stays as it was made. For a development version, leave out"
            ' django, and name its archive: [tool.harness] extra_install = ["Django @ https://github.com/django/django/archive/main.tar.gz"].'
        )
    return "Write 5.2 for the newest 5.2.x, 5.2.3 for that release, or 6.1rc1 for a pre-release."
