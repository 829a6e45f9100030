"""Turns the suite of the project's runner into planned tests and units.

Owns a test's id, file and line, and the grouping of tests into units.
"""

from __future__ import annotations

import doctest
import functools
import inspect
import os
import unittest
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePosixPath
from types import FunctionType, MappingProxyType
from typing import Any

from django.test import TestCase, TransactionTestCase

from ...errors import ProjectError
from ...protocol.results import PlannedTest
from ..failures import FailureDescriber
from ..private_apis import FailedTest, doctest_of, iter_test_cases, test_method_name, tested_function
from ..text import class_name
from . import splitting

FIXTURES = ("setUpModule", "setUpClass", "tearDownClass", "tearDownModule")
FLUSHED = "flushed"
"""The state of databases that have lost the rows of migrations."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The tests that a worker gets at once, such as those of one class, as indexes into ``Plan.tests``.

    ``needs_data``: the tests rely on rows that migrations put into the databases. ``flushes``: they empty the databases.
    ``own_data`` names what fixtures of the unit add to the databases, for other units to miss; empty for nothing.
    ``fixtures`` are the ids by which fixtures of several tests are blamed. ``rank`` is the place of its group of classes in the
    order of the project's runner. ``may_split``: its tests may run in parts, each with the fixtures of the class. ``seconds`` is
    the time that it took in earlier runs; 0.0 if that is not known. ``is_part``: other units have the rest of its class.
    """

    name: str
    tests: tuple[int, ...]
    needs_data: bool = False
    flushes: bool = False
    fixtures: tuple[str, ...] = ()
    own_data: str = ""
    rank: int = 0
    may_split: bool = False
    seconds: float = 0.0
    is_part: bool = False

    @property
    def leaves(self) -> frozenset[str]:
        """The traces of the unit in the databases: ``FLUSHED``, and its own data."""
        return frozenset(filter(None, (FLUSHED if self.flushes else "", self.own_data)))

    def suits(self, left: Collection[str]) -> bool:
        """Whether the unit may use databases in which earlier ones have left *left*."""
        if not (self.needs_data or self.flushes):
            return True
        others = {each for each in left if each != self.own_data and (each != FLUSHED or self.needs_data)}
        return not others


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a test in which its worker died: ``name`` is a noun, empty if it is not known.

    ``users`` are the tests that need the fixture that was set up then; empty if that is no fixture of several tests.
    """

    name: str = ""
    users: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """Every test of a suite in order, the instances that run them (unittest's, or items of pytest), and the units.

    ``last_fixtures`` are the ids of fixtures that end after their units. ``place_of`` gives the place of a worker's note.
    """

    tests: tuple[PlannedTest, ...]
    instances: tuple[Any, ...]
    units: tuple[Unit, ...]
    last_fixtures: tuple[str, ...] = ()
    place_of: Callable[[str], Place] = Place

    @property
    def is_longest_first(self) -> bool:
        """Whether the units have times of earlier runs, which then order them."""
        return any(unit.seconds for unit in self.units)


def make_plan(
    suite: Iterable[Any],
    describer: FailureDescriber,
    taken: frozenset[str] = frozenset(),
    numbered: Mapping[int, tuple[unittest.TestCase, str]] = MappingProxyType({}),
) -> Plan:
    """The plan of *suite*, in its order. An id that occurs twice, or is in *taken*, gets a number appended.

    *numbered*, keyed by ``id()``, holds tests that keep the numbered id by which they were requested.
    """
    return _plan(identify(suite, describer, taken, numbered))


def identify(
    suite: Iterable[Any],
    describer: FailureDescriber,
    taken: frozenset[str] = frozenset(),
    numbered: Mapping[int, tuple[unittest.TestCase, str]] = MappingProxyType({}),
) -> list[tuple[PlannedTest, unittest.TestCase]]:
    """The tests of *suite* in order, each with its instance; arguments as for ``make_plan``."""
    seen = set(taken)
    found = []
    locations: dict[type, tuple[str, int]] = {}
    for instance in iter_test_cases(suite):
        test = _planned(instance, describer, locations)
        unique, number = test.id, 2
        if id(instance) in numbered:
            unique = numbered[id(instance)][1]
        while unique in seen:
            unique, number = f"{test.id}#{number}", number + 1
        seen.add(unique)
        if unique != test.id:
            test = replace(test, id=unique, name=f"{test.name}{unique.removeprefix(test.id)}")
        found.append((test, instance))
    return found


def replayed(plan: Plan, order: Sequence[str]) -> Plan:
    """*plan* reduced to the tests in *order*, in that order. Raises ``ProjectError`` if one is missing."""
    return chosen(plan, numbers_of(plan, order))


def numbers_of(plan: Plan, order: Sequence[str]) -> list[int]:
    """The places in *plan* of the tests in *order*. Raises ``ProjectError`` if one is missing."""
    known = {test.id: number for number, test in enumerate(plan.tests)}
    if missing := [test for test in order if test not in known]:
        raise ProjectError(
            f"{len(missing)} of the {len(order)} tests to replay are not there any more, {missing[0]} first.",
            hint="The order is that of another version of the project, or labels or tags leave them out.",
        )
    return [known[test] for test in order]


def chosen(plan: Plan, numbers: Sequence[int]) -> Plan:
    """The tests of *plan* with these *numbers*, in this order."""
    return _plan([(plan.tests[number], plan.instances[number]) for number in numbers])


def joined(one: Plan, other: Plan) -> Plan:
    """The tests of *one*, then those of *other*."""
    return _plan([*zip(one.tests, one.instances, strict=True), *zip(other.tests, other.instances, strict=True)])


def _plan(tests: Sequence[tuple[PlannedTest, unittest.TestCase]]) -> Plan:
    instances = tuple(instance for _, instance in tests)
    return Plan(tuple(test for test, _ in tests), instances, _units(instances))


def _units(instances: Sequence[unittest.TestCase]) -> tuple[Unit, ...]:
    """One unit for each run of neighbouring tests of one class: the order of the project's runner is kept."""
    units: list[Unit] = []
    for cls, group in groupby(enumerate(instances), key=lambda each: type(each[1])):
        needs_data = issubclass(cls, TestCase)
        flushes = issubclass(cls, TransactionTestCase) and not needs_data
        fixtures = tuple(f"{owner}.{name}" for owner in (class_name(cls), cls.__module__) for name in FIXTURES)
        name, tests = class_name(cls), tuple(index for index, _ in group)
        rank, may_split = splitting.rank(cls), splitting.may_split(cls)
        units.append(Unit(name, tests, needs_data, flushes, fixtures, rank=rank, may_split=may_split))
    return tuple(units)


def _planned(
    instance: unittest.TestCase, describer: FailureDescriber, locations: dict[type, tuple[str, int]]
) -> PlannedTest:
    test_id = instance.id()
    cls = type(instance)
    method_name = test_method_name(instance)
    if isinstance(instance, FailedTest):
        # id() is "unittest.loader._FailedTest.app.tests": the module that could not be imported is its method's name
        return PlannedTest(test_id, "unittest.loader._FailedTest", method_name, _file_of_module(method_name))
    if (example := doctest_of(instance)) is not None:
        return _planned_doctest(test_id, example, isinstance(instance, doctest.DocFileCase), describer)
    if (function := tested_function(instance)) is not None:
        return _planned_function(test_id, inspect.unwrap(function), describer)
    classname = class_name(cls)
    # not every id ends with its method (doctests, parametrised tests): the name is the id without the class's
    name = test_id.removeprefix(f"{classname}.") or method_name
    file, line = _location(instance, method_name, locations)
    return PlannedTest(test_id, classname, name, describer.relative(file), line)


def _planned_doctest(test_id: str, example: doctest.DocTest, is_file: bool, describer: FailureDescriber) -> PlannedTest:
    """The planned test of a docstring, in its module, or of a text file, in its folder; its id begins with that name."""
    file, line = describer.relative(example.filename or ""), (example.lineno or 0) + 1
    if is_file:
        path = PurePosixPath(file)
        owner = "" if path.is_absolute() else ".".join(path.parent.parts)
        return PlannedTest(f"{owner}.{test_id}".lstrip("."), owner or test_id, path.name, file, line)
    module = str(example.globs.get("__name__", ""))
    if test_id == module:  # the module's own docstring, whose label must not mean the whole module
        return PlannedTest(f"{module}.__doc__", module, "__doc__", file, line)
    if module and test_id.startswith(f"{module}."):
        return PlannedTest(test_id, module, test_id.removeprefix(f"{module}."), file, line)
    owner, _, name = test_id.rpartition(".")
    return PlannedTest(test_id, owner or name, name, file, line)


def _planned_function(test_id: str, function: Any, describer: FailureDescriber) -> PlannedTest:
    """The planned test of a function. Its id begins with the module, which unittest leaves out."""
    module, code = getattr(function, "__module__", None), getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", test_id)
    file, line = ("", 0) if code is None else (describer.relative(code.co_filename), code.co_firstlineno)
    return PlannedTest(f"{module}.{name}" if module else test_id, module or "unittest", name, file, line)


def _location(instance: unittest.TestCase, method_name: str, locations: dict[type, tuple[str, int]]) -> tuple[str, int]:
    cls = type(instance)
    method: Any = getattr(cls, method_name, None)
    if not (isinstance(method, FunctionType) and "__wrapped__" not in method.__dict__):  # as most, and unwrap is slow
        method = inspect.unwrap(method)
    code = getattr(method, "__code__", None)
    if code is not None and not _is_library(code.co_filename):
        return code.co_filename, code.co_firstlineno
    if cls not in locations:
        try:
            locations[cls] = (inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1])
        except (OSError, TypeError):
            locations[cls] = ("", 0)
    return locations[cls]


def _file_of_module(name: str) -> str:
    """The likely file of the module *name*, which cannot be imported; empty if there is none."""
    stem = Path(*name.split("."))
    return next((str(path) for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), "")


@functools.lru_cache(maxsize=256)  # the tests of a class have one file
def _is_library(file: str) -> bool:
    return f"{os.sep}site-packages{os.sep}" in file or file.startswith("<")
