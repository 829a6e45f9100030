"""Finds variables of the environment that the settings read and that are not set: often why settings differ from elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .text import listed

LISTED = 10
_FRAMES_OF_A_READ = 8


@contextmanager
def unset_variables(root: str, names: dict[str, None]) -> Iterator[None]:
    """Collect in *names* the variables of the environment that code below *root* reads and that are not set.

    Every way to read one ends in ``os.environ``: ``getenv``, ``get``, ``in``, and the packages for settings.
    """
    cls: Any = type(os.environ)
    getitem = cls.__getitem__

    def watched(self: Any, key: str) -> str:
        try:
            return str(getitem(self, key))
        except KeyError:
            if self is os.environ and _is_called_from(root, sys._getframe(1)):
                names[key] = None
            raise

    cls.__getitem__ = watched
    try:
        yield
    finally:
        cls.__getitem__ = getitem


def _is_called_from(root: str, frame: Any) -> bool:
    """Whether *frame* or one of a few frames before it is of a file below *root* that is not an installed package's."""
    for _ in range(_FRAMES_OF_A_READ):
        if frame is None:
            return False
        file = frame.f_code.co_filename
        if file.startswith(f"{root}/") and "/site-packages/" not in file:
            return True
        frame = frame.f_back
    return False


def unset_advice(names: Sequence[str]) -> str:
    """A sentence, with a space before it, about variables that the settings read and that are not set; or nothing."""
    if not names:
        return ""
    return f" The settings read variables that are not set here: {listed(names, LISTED)}."
