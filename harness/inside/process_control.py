"""What Linux lets a process say of itself, by ``prctl``: who gets its orphans, who may look into it, when it is to die.

Each does nothing where the system has no such call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


def _find_prctl() -> Callable[..., int]:
    if sys.platform.startswith("linux"):
        try:
            import ctypes

            return ctypes.CDLL(None, use_errno=True).prctl
        except (ImportError, OSError, AttributeError):  # a Python without ctypes
            pass
    return lambda *_: -1


_prctl = _find_prctl()  # bound at import, where no test has patched anything


def adopt_orphans() -> None:
    """From now on processes below this one whose parents end become children of this one, whatever session they have."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hide() -> None:
    """Close this process's memory and descriptors to other processes of its user: ``/proc``, ``ptrace`` and their kind.

    Forks inherit it, and programs that they execute do not. Root with its capabilities is not kept out.
    """
    _prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def show() -> None:
    """Undo ``hide``."""
    _prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def die_with_parent(signum: int) -> None:
    """Get *signum* when the parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
