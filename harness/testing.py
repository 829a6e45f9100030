"""Marks that a project's tests may import. They affect the harness, and no other test runner.

Imports nothing. Where the package is not installed, set the attribute instead: ``harness_timeout = 30`` in a class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

TIMEOUT = "harness_timeout"
WHOLE = "harness_whole"
MIRRORS = "harness_mirrors"

_Marked = TypeVar("_Marked", bound=Callable[..., object])
_Class = TypeVar("_Class")


def timeout(seconds: float) -> Callable[[_Marked], _Marked]:
    """Let the decorated test, or each test and fixture of the decorated class, take *seconds* instead of ``--timeout``'s.

    Raises ``ValueError`` unless *seconds* is more than 0.
    """
    if not seconds > 0:
        raise ValueError(f"a timeout is more than 0 seconds, not {seconds!r}")

    def mark(marked: _Marked) -> _Marked:
        setattr(marked, TIMEOUT, seconds)
        return marked

    return mark


def mirrors(mode: Literal["auto", "strict", "primary", "replica"]) -> Callable[[_Marked], _Marked]:
    """Connect the mirrors of the decorated test, or of the decorated class, in this *mode* instead of ``--mirrors``'s.

    ``replica``: to the real replica. ``primary``: through the primary's connection. Raises ``ValueError`` for another one.
    """
    if mode not in ("auto", "strict", "primary", "replica"):
        raise ValueError(f"mirrors are auto, strict, primary or replica, not {mode!r}")

    def mark(marked: _Marked) -> _Marked:
        setattr(marked, MIRRORS, mode)
        return marked

    return mark


def whole(cls: type[_Class]) -> type[_Class]:
    """Keep the tests of the decorated class in one worker, in their order: no time of earlier runs splits it."""
    setattr(cls, WHOLE, True)
    return cls
