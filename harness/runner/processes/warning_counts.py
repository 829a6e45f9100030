"""Counts the warnings that Python shows in this process, by their category. Each is shown as before."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

from ...protocol.events import WarningsCounted
from ...protocol.results import WarningCount
from ..failures import type_name

_counts: Counter[str] = Counter()


def install() -> None:
    """Count from now on. Warnings that a test records, as by ``assertWarns``, are not shown and not counted."""
    show = warnings.showwarning

    def count_and_show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        _counts[type_name(category)] += 1
        show(message, category, *place, **more)

    warnings.showwarning = count_and_show


def add(shown: warnings.WarningMessage) -> None:
    """Count a warning that is shown in another way."""
    _counts[type_name(shown.category)] += 1


def take() -> WarningsCounted | None:
    """The counts since the last call; ``None`` if there was no warning."""
    if not _counts:
        return None
    counted = WarningsCounted(tuple(WarningCount(kind, number) for kind, number in sorted(_counts.items())))
    _counts.clear()
    return counted
