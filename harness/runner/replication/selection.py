"""Advice on the aliases that the chosen tests name: mirrors without their primary, and dependencies that no test needs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ...protocol.events import Advice
from ...protocol.topology import Topology
from ..text import class_name, listed

NAMED = 3
"""Classes that a piece of advice names."""


def databases_of(instance: Any) -> Collection[str]:
    """The aliases that a test names: *instance* is unittest's, or an item of pytest with a class or the mark ``django_db``."""
    marker = instance.get_closest_marker("django_db") if hasattr(instance, "get_closest_marker") else None
    if marker is not None and marker.kwargs.get("databases"):
        aliases: Collection[str] = marker.kwargs["databases"]
        return aliases
    named = getattr(_class_of(instance), "databases", ())
    return named if isinstance(named, Collection) else ()  # Django refuses other values as the class begins


def name_of(instance: Any) -> str:
    """The class of the test *instance*, or the test itself where it has none."""
    cls = _class_of(instance)
    return class_name(cls) if cls is not None else str(instance.nodeid)


def _class_of(instance: Any) -> type | None:
    cls: type | None = instance.cls if hasattr(instance, "nodeid") else type(instance)
    return cls


def advise(topology: Topology, mirrors: Mapping[str, str], instances: Iterable[Any]) -> Iterator[Advice]:
    """The advice on the tests *instances*. *mirrors* has the primary of each mirror."""
    dependent = [alias for alias in topology.aliases if alias.test.dependencies]
    if not mirrors and not dependent:
        return
    named: set[str] = set()
    alone: dict[str, dict[str, None]] = {}
    for instance in instances:
        aliases = databases_of(instance)
        aliases = topology.names if aliases == "__all__" else aliases
        named.update(aliases)
        for mirror in mirrors.keys() & set(aliases):
            if mirrors[mirror] not in aliases:
                alone.setdefault(mirror, {})[name_of(instance)] = None
    for mirror, tests in sorted(alone.items()):
        yield Advice(
            "mirror-alone",
            f"{listed(list(tests), NAMED)}: databases names the mirror {mirror} without {mirrors[mirror]}, so that these tests"
            " can read no row but those of migrations.",
            f'databases = {{"{mirrors[mirror]}", "{mirror}"}}',
        )
    for alias in dependent:
        unused = [name for name in alias.test.dependencies or () if name not in named]
        if alias.name in named and unused:
            yield Advice(
                "dependency-unused",
                f"{', '.join(unused)}: no chosen test names it, and the TEST DEPENDENCIES of {alias.name} do. It is made here;"
                ' manage.py test leaves it out and then ends with "Circular dependency".',
                f'databases = {{"{alias.name}", {", ".join(map(_quoted, unused))}}}, or TEST DEPENDENCIES without it',
            )


def _quoted(name: str) -> str:
    return f'"{name}"'
