"""Turns the items that pytest has collected into planned tests and units, and failed collectors into tests of their own."""

from __future__ import annotations

import json
import unittest
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

import pytest

from ...protocol import naming
from ...protocol.results import PlannedTest
from ..failures import FailureDescriber
from ..schedule import splitting
from ..schedule.units import Place, Plan, Unit, numbers_of
from . import pytest_internals

TEARDOWN = "::teardown"
"""The end of the id of the item that stands for a failed tear-down."""
SESSION = "session"
SESSION_TEARDOWN = f"{SESSION}{TEARDOWN}"
"""The id of the tear-down of fixtures that several units use."""
_UNIT_TESTS = 50
"""The most tests of a unit that may be split: a worker asks for the next one more often than it waits."""
_UNITS_A_WORKER = 8
_UNITTEST_ONLY = "_django_setup_unittest"
"""A fixture of pytest-django that every test has, and that does nothing outside of unittest's classes."""

_UNITTEST_SET_UP = "_unittest_setUpClass_fixture"
"""The beginning of the name of the fixture by which pytest calls ``setUpClass``."""


def teardown_of(test: PlannedTest) -> PlannedTest:
    """The item that stands for the failed tear-down of *test*."""
    return PlannedTest(f"{test.id}{TEARDOWN}", test.classname, f"{test.name}{TEARDOWN}", test.file, test.line)


def session_teardown() -> PlannedTest:
    return PlannedTest(SESSION_TEARDOWN, SESSION, "teardown")


def teardown_of_all(nodeid: str) -> PlannedTest:
    """The item that stands for the tear-down of the fixtures of a package, a module or a class; of the session if empty."""
    owner = nodeid.removesuffix("/__init__.py")
    if owner in ("", "."):
        return session_teardown()
    return PlannedTest(f"{owner}{TEARDOWN}", *naming.class_and_name(f"{owner}{TEARDOWN}"))


def place_of(items: Sequence[Any], note: str) -> Place:
    """The place that a worker's *note* has: a fixture of several tests among *items*, or a part of a test in words."""
    try:
        fixture = pytest_internals.SharedFixture(*json.loads(note)) if note.startswith("[") else None
        if fixture is None:
            return Place(note)
        return Place(str(fixture), frozenset(index for index, item in enumerate(items) if fixture.is_of(item)))
    except (ValueError, TypeError):  # a test has written there
        return Place()


def names_of(nodeid: str) -> tuple[str, str]:
    """The class and the name that pytest's own JUnit has for *nodeid*: ``tests.test_x.TestA`` and ``test_b[1-x]``."""
    path, *inner = nodeid.split("::")
    parameters = ""
    for number, part in enumerate(inner):  # an id in brackets may contain colons too
        if "[" in part:
            inner, parameters = inner[: number + 1], "::".join(inner[number + 1 :])
            inner[-1] += f"::{parameters}" if parameters else ""
            break
    module = path.removesuffix(".py").replace("/", ".")
    if not inner:
        return module, "(collection)"
    return ".".join([module, *inner[:-1]]), inner[-1]


def planned(item: Any, describer: FailureDescriber) -> PlannedTest:
    classname, name = names_of(item.nodeid)
    line = item.location[1]
    return PlannedTest(
        item.nodeid, classname, name, describer.relative(str(item.path)), 0 if line is None else line + 1
    )


def collector_test(report: pytest.CollectReport, describer: FailureDescriber, rootpath: str) -> PlannedTest:
    """The test that stands for a collector that has failed, or was skipped as a whole."""
    classname, name = names_of(report.nodeid)
    file = f"{rootpath}/{report.nodeid.partition('::')[0]}"
    return PlannedTest(report.nodeid or ".", classname or ".", name, describer.relative(file))


def identified(tests: Iterable[PlannedTest]) -> Iterator[PlannedTest]:
    """*tests* with a number appended to an id that occurs twice: a file may be collected twice."""
    seen: set[str] = set()
    for test in tests:
        id, number = test.id, 2
        while id in seen:
            id, number = f"{test.id}#{number}", number + 1
        seen.add(id)
        end = id.removeprefix(test.id)
        yield PlannedTest(id, test.classname, f"{test.name}{end}", test.file, test.line) if end else test


def make_plan(items: Sequence[Any], describer: FailureDescriber, workers: int) -> Plan:
    """The plan of *items*, in their order except for groups of xdist's mark, which run together where the first one stands."""
    items = _with_groups_joined(items)
    tests = tuple(identified(planned(item, describer) for item in items))
    units = tuple(_units(items, tests, workers))
    return Plan(tests, tuple(items), units, tuple(_teardowns(items)), partial(place_of, items))


def _teardowns(items: Sequence[Any]) -> Iterator[str]:
    """The ids of the tear-downs of fixtures of several tests."""
    parents = {id(item.parent): item.parent for item in items}
    owners = {node.nodeid for parent in parents.values() for node in parent.listchain()}
    yield SESSION_TEARDOWN
    yield from (teardown_of_all(owner).id for owner in owners if owner)


def replayed(plan: Plan, order: Sequence[str]) -> Plan:
    """The tests of *plan* in *order*, for one worker. Raises ``ProjectError`` if one is missing."""
    numbers = numbers_of(plan, order)
    tests, items = [plan.tests[number] for number in numbers], [plan.instances[number] for number in numbers]
    units = tuple(_units(items, tests, 1))
    return Plan(tuple(tests), tuple(items), units, plan.last_fixtures, partial(place_of, items))


def with_own_data(plan: Plan, own_data: Callable[[Any], str]) -> Plan:
    """*plan* with the names of what the fixtures of each unit add to the databases: *own_data* names those of an item."""
    names = [{own_data(plan.instances[index]) for index in unit.tests} - {""} for unit in plan.units]
    if not any(names):
        return plan
    units = zip(plan.units, names, strict=True)
    return replace(plan, units=tuple(replace(unit, own_data=", ".join(sorted(found))) for unit, found in units))


def _with_groups_joined(items: Sequence[Any]) -> list[Any]:
    groups: dict[str, list[Any]] = {}
    for item in items:
        if (name := group_of(item)) is not None:
            groups.setdefault(name, []).append(item)
    if not groups:
        return list(items)
    ordered: list[Any] = []
    for item in items:
        name = group_of(item)
        ordered += [item] if name is None else groups.pop(name, [])
    return ordered


def group_of(item: Any) -> str | None:
    """The group of the mark ``xdist_group``, which runs in one worker."""
    mark = item.get_closest_marker("xdist_group")
    if mark is None:
        return None
    return str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))


def _units(items: Sequence[Any], tests: Sequence[PlannedTest], workers: int) -> Iterator[Unit]:
    most = max(1, min(_UNIT_TESTS, len(items) // (workers * _UNITS_A_WORKER) or 1))
    scopes = [_scopes(item) for item in items]
    owners = _kept_together(items, scopes)
    keys = [_key(item, scopes[index], owners) for index, item in enumerate(items)]
    for (_, name, is_whole), group in groupby(range(len(items)), key=keys.__getitem__):
        indexes = tuple(group)
        size = len(indexes) if is_whole else most
        may_split = not is_whole or _is_class_to_split(items[indexes[0]], [scopes[index] for index in indexes], owners)
        for start in range(0, len(indexes), size):
            part = indexes[start : start + size]
            unit = _unit(name, [items[index] for index in part], part, [tests[index].id for index in part])
            yield replace(unit, may_split=may_split)


def _is_class_to_split(item: Any, scopes: Sequence[set[str]], owners: dict[Any, Any]) -> bool:
    """Whether the items of the unittest class of *item*, which use fixtures of these *scopes*, may run in parts."""
    cls = item.getparent(pytest.Class)
    if cls is None or group_of(item) is not None or item.getparent(pytest.Module) in owners:
        return False
    return not any("class" in used for used in scopes) and splitting.may_split(cls.obj)


def _scopes(item: Any) -> set[str]:
    """The scopes of the fixtures that *item* uses, except for unittest's own of a class."""
    fixtures = pytest_internals.fixture_scopes(item)
    return {scope for name, scope in fixtures if name != _UNITTEST_ONLY and not name.startswith(_UNITTEST_SET_UP)}


def _kept_together(items: Sequence[Any], scopes: Sequence[set[str]]) -> dict[Any, Any]:
    """The modules that stay in one piece, each with itself or its package: one of its items uses fixtures of that scope.

    An item between the others that uses none of them is no reason to set them up twice.
    """
    owners: dict[Any, Any] = {}
    for item, used in zip(items, scopes, strict=True):
        module = item.getparent(pytest.Module) or item.parent
        if "package" in used:
            owners[module] = item.getparent(pytest.Package) or module
        elif "module" in used:
            owners.setdefault(module, module)
    return owners


def _key(item: Any, scopes: set[str], owners: dict[Any, Any]) -> tuple[Any, str, bool]:
    """The owner of the fixtures that *item* shares with its neighbours, its name, and whether its tests stay together."""
    if (group := group_of(item)) is not None:
        return ("group", group), group, True
    cls = item.getparent(pytest.Class)
    module = item.getparent(pytest.Module)
    owner = owners.get(module or item.parent)
    if owner is not None or module is None:
        owner = owner or item.parent
        return id(owner), owner.nodeid or item.nodeid, True
    if cls is not None:
        return id(cls), cls.nodeid, issubclass(cls.obj, unittest.TestCase) or "class" in scopes
    return id(module), module.nodeid, False


def _unit(name: str, items: Sequence[Any], indexes: tuple[int, ...], ids: Sequence[str]) -> Unit:
    modes = [database_mode(item) for item in items]
    fixtures = tuple(f"{id}{TEARDOWN}" for id in ids)
    is_flushed = "flushed" in modes
    return Unit(name, indexes, "rolled back" in modes, is_flushed, fixtures, rank=int(is_flushed))


def database_mode(item: Any) -> str:
    """How *item* leaves the databases: ``rolled back`` as after a ``TestCase``, ``flushed``, or empty if it uses none."""
    from django.test import TestCase, TransactionTestCase

    cls = getattr(item, "cls", None)
    if cls is not None and issubclass(cls, TransactionTestCase):
        return "rolled back" if issubclass(cls, TestCase) else "flushed"
    mark = item.get_closest_marker("django_db")
    fixtures = getattr(item, "fixturenames", ())
    flushing = {"transactional_db", "live_server", "django_db_reset_sequences"}
    if (mark is not None and _is_transactional(mark)) or not flushing.isdisjoint(fixtures):
        return "flushed"
    return "rolled back" if mark is not None or "db" in fixtures or "_django_db_helper" in fixtures else ""


def _is_transactional(mark: Any) -> bool:
    names = ("transaction", "reset_sequences")
    return any(mark.args[:2]) or any(mark.kwargs.get(name) for name in names)
