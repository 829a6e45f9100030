"""The version of Django that a run asks for: its spelling, pip's requirement for it, and whether an installed Django is it.

A series such as ``5.2`` stands for its newest release. ``5.2.3`` and ``6.1rc1`` each stand for one release.
"""

from __future__ import annotations

import re

OLDEST = (4, 2)
"""The oldest series that the runner works with."""

_SPELLING = re.compile(r"([1-9]\d?)\.(\d{1,2})(?:\.(\d{1,3}))?(?:(?<!\.)(a|b|rc)(\d{1,2}))?", re.ASCII)
_STAGES = {"a": "alpha", "b": "beta", "rc": "rc"}
"""The stages of pre-releases: as pip spells them, and as ``django.VERSION`` does."""
_PYTHONS = {5: (3, 10), 6: (3, 12)}
"""The oldest Python of a major version of Django. Source: Django's FAQ on its installation, and each release's metadata."""


def is_version(text: str) -> bool:
    """Whether *text* is the spelling of a series or of one release."""
    return _SPELLING.fullmatch(text) is not None


def requirement(asked: str) -> str:
    """Pip's requirement for *asked*: ``Django~=5.2.0`` for the series ``5.2``, ``Django==5.2.3`` for one release."""
    return f"Django~={asked}.0" if re.fullmatch(r"\d+\.\d+", asked) else f"Django=={asked}"


def fits(asked: str, version: tuple[int, int, int, str, int]) -> bool:
    """Whether *version*, of the form of ``django.VERSION``, is *asked*; no pre-release is part of a series."""
    match = _SPELLING.fullmatch(asked)
    assert match is not None
    major, minor, patch, stage, number = match.groups()
    if version[:2] != (int(major), int(minor)):
        return False
    if stage:
        return version[2:] == (int(patch or 0), _STAGES[stage], int(number))
    return version[3] == "final" and (patch is None or version[2] == int(patch))


def is_too_old(version: str) -> bool:
    """Whether *version*, a series or a release, is older than ``OLDEST``."""
    major, minor = re.findall(r"\d+", version)[:2]
    return (int(major), int(minor)) < OLDEST


def oldest_python(asked: str) -> tuple[int, int] | None:
    """The oldest Python that *asked* admits, such as ``(3, 12)``; ``None`` where that is not known."""
    return _PYTHONS.get(int(asked.partition(".")[0]))


def admits(asked: str, python: str) -> bool:
    """Whether *asked* may run on *python*, such as ``3.13``, as far as that is known."""
    major, minor = python.split(".")[:2]
    return (int(major), int(minor)) >= (oldest_python(asked) or (0, 0))
