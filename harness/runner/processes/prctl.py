"""Process attributes that Linux sets by ``prctl``: adoption of orphans, access by other processes, a signal when the parent
ends.

Each function does nothing where the system has no such call.
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
    """Make processes below this one children of this one when their parents end, whatever session they have."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hide(*, is_hidden: bool = True) -> None:
    """Close this process's memory and descriptors to other processes of its user: ``/proc``, ``ptrace`` and the like.

    Forks inherit it, and programs that they execute do not. Root with its capabilities is not kept out.
    """
    _prctl(_PR_SET_DUMPABLE, int(not is_hidden), 0, 0, 0)


def die_with_parent(signum: int) -> None:
    """Have the kernel send *signum* to this process when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
