"""The mark ``harness_mirrors``, by which a test or a fixture chooses how mirror aliases are connected."""

from __future__ import annotations

from typing import Any, get_args

from ....protocol.messages import MirrorMode
from ....testing import MIRRORS


def marked_mode(item: Any) -> MirrorMode | None:
    """The mode of the mark of *item*, else of the attribute of its function or class, if any. Raises ``ValueError``."""
    mark = item.get_closest_marker(MIRRORS)
    if mark is None:
        owners = (getattr(item, name, None) for name in ("function", "cls"))
        mode = next(filter(None, (getattr(owner, MIRRORS, None) for owner in owners)), None)
    else:
        (mode,) = (*mark.args, *mark.kwargs.values()) if len(mark.args) + len(mark.kwargs) == 1 else (mark.args,)
    if mode is None or mode in get_args(MirrorMode):
        return mode
    raise ValueError(f'{MIRRORS} is {mode!r}: "replica", "primary", "strict" or "auto" is needed.')
