"""Items as pytest would collect them, as far as marks are concerned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from harness.protocol.results import PlannedTest


def mark(*args: Any, **kwargs: Any) -> Any:
    return SimpleNamespace(args=args, kwargs=kwargs)


def item(nodeid: str = "test_a.py::test_a", obj: Any = None, cls: Any = None, **marks: Any) -> Any:
    """An item with *marks*, by their names."""
    return SimpleNamespace(nodeid=nodeid, name=nodeid, obj=obj, cls=cls, get_closest_marker=marks.get)


def planned(*items: Any) -> list[PlannedTest]:
    return [PlannedTest(each.nodeid, "", "") for each in items]
