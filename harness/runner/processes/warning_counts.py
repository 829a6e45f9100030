"""Counts the warnings that Python shows in this process, by their category and their place. Each is shown as before."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

from ...protocol.events import WarningsCounted
from ...protocol.results import ShownWarning, WarningCount
from ..failures import message_of, project_root, type_name
from ..text import cut

MOST_PLACES = 200
"""The most places that are kept until the next call of ``take``."""
MESSAGE_CHARACTERS = 1000

_counts: Counter[str] = Counter()
_places: Counter[tuple[str, str, str, int]] = Counter()


def install() -> None:
    """Count from now on. Warnings that a test records, as by ``assertWarns``, are not shown and not counted."""
    show = warnings.showwarning

    def count_and_show(
        message: Any, category: type[Warning], filename: str, lineno: int, *place: Any, **more: Any
    ) -> None:
        _count(message, category, filename, lineno)
        show(message, category, filename, lineno, *place, **more)

    warnings.showwarning = count_and_show


def add(shown: warnings.WarningMessage) -> None:
    """Count a warning that is shown in another way."""
    _count(shown.message, shown.category, shown.filename, shown.lineno)


def take() -> WarningsCounted | None:
    """The counts since the last call; ``None`` if there was no warning."""
    if not _counts:
        return None
    counted = WarningsCounted(
        tuple(WarningCount(kind, number) for kind, number in sorted(_counts.items())),
        tuple(ShownWarning(*place, number) for place, number in _places.items()),
    )
    _counts.clear()
    _places.clear()
    return counted


def _count(message: Any, category: type[Warning], filename: object, lineno: object) -> None:
    name = type_name(category)
    _counts[name] += 1
    text = message_of(message) if isinstance(message, BaseException) else str(message)
    file = str(filename).removeprefix(f"{project_root()}/")
    place = (name, cut(text, MESSAGE_CHARACTERS), file, lineno if isinstance(lineno, int) else 0)
    if place in _places or len(_places) < MOST_PLACES:
        _places[place] += 1
