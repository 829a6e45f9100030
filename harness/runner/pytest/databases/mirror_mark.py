"""The mark ``harness_mirrors``, by which a test or a fixture chooses how mirror aliases are connected."""

from __future__ import annotations

from typing import Any, get_args

from ....protocol.messages import MirrorMode
from ...replication.mirrors import CLASS_ATTRIBUTE


def marked_mode(item: Any) -> MirrorMode | None:
    """The mode of the mark of *item*, or of the attribute of its class; ``None`` without either. Raises ``ValueError``."""
    mark = item.get_closest_marker(CLASS_ATTRIBUTE)
    if mark is None:
        mode = getattr(getattr(item, "cls", None), CLASS_ATTRIBUTE, None)
    else:
        (mode,) = (*mark.args, *mark.kwargs.values()) if len(mark.args) + len(mark.kwargs) == 1 else (mark.args,)
    if mode is None or mode in get_args(MirrorMode):
        return mode
    raise ValueError(f'{CLASS_ATTRIBUTE} is {mode!r}: "replica", "primary" or "auto" is needed.')
