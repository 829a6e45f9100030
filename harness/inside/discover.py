"""A suite of the project's own runner to planned tests and units.

Owns what a test's id, file and line are, and which tests go to a worker together.
"""

from __future__ import annotations

import inspect
import os
import unittest
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.test import TestCase, TransactionTestCase

from ..contract.events import PlannedTest
from ..errors import ProjectError
from .failures import FailureDescriber
from .private import FailedTest, iter_test_cases, test_method_name


@dataclass(frozen=True, slots=True)
class Unit:
    """What is handed to a worker at once: the tests of one class, as indexes into ``Plan.tests``.

    ``needs_data`` holds where the tests rely on what migrations put into the databases; ``flushes`` where they empty them.
    """

    name: str
    tests: tuple[int, ...]
    needs_data: bool = False
    flushes: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Every test of a suite in order, the instances that run them, and the units."""

    tests: tuple[PlannedTest, ...]
    instances: tuple[unittest.TestCase, ...]
    units: tuple[Unit, ...]


def make_plan(suite: Iterable[Any], describer: FailureDescriber, taken: frozenset[str] = frozenset()) -> Plan:
    """The plan of *suite*, its order kept. An id that is there twice, or in *taken*, gets a number behind it."""
    instances = tuple(iter_test_cases(suite))
    seen = set(taken)
    tests = []
    locations: dict[type, tuple[str, int]] = {}
    for instance in instances:
        test = _planned(instance, describer, locations)
        unique, number = test.id, 2
        while unique in seen:
            unique, number = f"{test.id}#{number}", number + 1
        seen.add(unique)
        if unique != test.id:
            test = replace(test, id=unique, name=f"{test.name}#{number - 1}")
        tests.append(test)
    return Plan(tuple(tests), instances, _units(instances))


def replayed(plan: Plan, order: Sequence[str]) -> Plan:
    """*plan* with the tests that *order* names alone, in that order. Raises ``ProjectError`` where one is not there."""
    known = {test.id: number for number, test in enumerate(plan.tests)}
    if missing := [test for test in order if test not in known]:
        raise ProjectError(
            f"{len(missing)} of the {len(order)} tests to replay are not there any more, {missing[0]} first.",
            hint="The order is that of another version of the project, or labels or tags leave them out.",
        )
    numbers = [known[test] for test in order]
    instances = tuple(plan.instances[number] for number in numbers)
    return Plan(tuple(plan.tests[number] for number in numbers), instances, _units(instances))


def _units(instances: Sequence[unittest.TestCase]) -> tuple[Unit, ...]:
    """One unit a class. Tests of a class that are not neighbours make several, as the project's runner ordered them."""
    units: list[Unit] = []
    start = 0
    for end in range(1, len(instances) + 1):
        if end < len(instances) and type(instances[end]) is type(instances[start]):
            continue
        cls = type(instances[start])
        is_transactional = issubclass(cls, TransactionTestCase) and not issubclass(cls, TestCase)
        units.append(
            Unit(
                name=class_name(cls),
                tests=tuple(range(start, end)),
                needs_data=issubclass(cls, TestCase),
                flushes=is_transactional,
            )
        )
        start = end
    return tuple(units)


def class_name(cls: type) -> str:
    """The dotted name of a class, as unittest prints it."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _planned(
    instance: unittest.TestCase, describer: FailureDescriber, locations: dict[type, tuple[str, int]]
) -> PlannedTest:
    test_id = instance.id()
    cls = type(instance)
    method_name = test_method_name(instance)
    if isinstance(instance, FailedTest):
        # id() is "unittest.loader._FailedTest.app.tests": the module that could not be imported is its method's name
        return PlannedTest(test_id, "unittest.loader._FailedTest", method_name, _file_of_module(method_name))
    classname = class_name(cls)
    # not every id ends with its method (doctests, parametrised tests): the name is what the class's does not say
    name = test_id.removeprefix(f"{classname}.") or method_name
    file, line = _location(instance, method_name, locations)
    return PlannedTest(test_id, classname, name, describer.relative(file), line)


def _location(instance: unittest.TestCase, method_name: str, locations: dict[type, tuple[str, int]]) -> tuple[str, int]:
    method = inspect.unwrap(getattr(type(instance), method_name, None) or _nothing)
    code = getattr(method, "__code__", None)
    if code is not None and code is not _nothing.__code__ and not _is_library(code.co_filename):
        return code.co_filename, code.co_firstlineno
    cls = type(instance)
    if cls not in locations:
        try:
            locations[cls] = (inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1])
        except (OSError, TypeError):
            locations[cls] = ("", 0)
    return locations[cls]


def _file_of_module(name: str) -> str:
    """Where the module *name*, which cannot be imported, most likely is; empty if nothing is there."""
    stem = Path(*name.split("."))
    return next((str(path) for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), "")


def _nothing() -> None:
    """Stands for a method that is not there."""


def _is_library(file: str) -> bool:
    return f"{os.sep}site-packages{os.sep}" in file or file.startswith("<")
