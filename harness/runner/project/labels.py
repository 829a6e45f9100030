"""Finds the tests of labels: Django's labels, an app's tests by class and method, and the ids that reports print."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import types
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from django.apps import apps

from ...protocol.results import PlannedTest
from ..legacy.app_tests import AppTests
from ..private_apis import FailedTest, iter_test_cases, test_method_name
from .label_names import as_django_label, nothing_matches, place_of

Identified = list[tuple[PlannedTest, unittest.TestCase]]
_NUMBER = re.compile(r"(#\d+| \[\d+\])$")


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a dotted name: the longest module that it begins with, and whether the rest exists.

    ``is_broken``: the module cannot be imported. ``is_call``: unittest would have to call the target.
    """

    module: str
    is_whole: bool = True
    is_broken: bool = False
    is_call: bool = False


class Labels:
    """Finds the tests of labels. *identify* gives tests the ids that a plan of them has; *is_of_pytest* tells whether a
    name is that of a test in pytest's style, which Django does not run and which must not be called. *app_tests* knows those
    that Django's discovery leaves out.
    """

    def __init__(
        self,
        django_load: Callable[[str], Any],
        identify: Callable[[Any], Identified],
        is_of_pytest: Callable[[str], bool],
        app_tests: AppTests,
    ) -> None:
        self._django_load = django_load
        self._identify = identify
        self._is_of_pytest = is_of_pytest
        self._app_tests = app_tests
        self._known: dict[str, Identified] = {}
        self.numbered: dict[int, tuple[unittest.TestCase, str]] = {}
        """Tests that were requested by an id with a number appended, and that id, which they keep; keyed by ``id()``."""

    def load(self, label: str) -> Any:
        """The tests of *label*. Raises ``ProjectError`` if nothing has that name."""
        name = as_django_label(label)
        if Path(name).is_dir():
            return self._django_load(name)
        if Path(label).is_file() and not label.endswith(".py"):
            file = os.path.normpath(label)
            if found := [case for test, case in self._tests_of(".") if test.file == file]:
                return unittest.TestSuite(found)
        target = locate(name)
        tests = None
        if not target.is_call:
            tests = self._django_load(name)
            has_failed = any(isinstance(test, FailedTest) for test in iter_test_cases([tests]))
            if target.is_broken or (tests.countTestCases() if target.is_whole else not has_failed):
                return tests
        if found := self._of_app(name) or self._of_id(label, name, target.module) or self._app_tests.named(name):
            return unittest.TestSuite(found)
        if tests is not None and target.is_whole:
            return tests  # it exists, and has no tests
        if self._is_of_pytest(name):
            return unittest.TestSuite()
        if target.is_call:
            with contextlib.suppress(TypeError):  # a function of the project that returns no test
                return self._django_load(name)
        raise nothing_matches([label], self._names(name))

    def _of_app(self, name: str) -> list[unittest.TestCase]:
        """The tests of an app by class and method, as Django itself found them until 1.6."""
        app_label, *path = name.split(".")
        if app_label not in apps.app_configs:
            return []
        tests = self._django_load(apps.get_app_config(app_label).name)
        return [test for test in iter_test_cases(tests) if _is_at(test, path)]

    def _of_id(self, label: str, name: str, module: str) -> list[unittest.TestCase]:
        """The tests whose id, class or beginning of an id is the label, in *module* or else anywhere."""
        names = {label, name}
        modules = list(accumulate(filter(None, module.split(".")), "{}.{}".format))
        for searched in (names, {_NUMBER.sub("", each) for each in names}):  # a runner may have run its suite twice
            for where in (*reversed(modules), "."):
                found = [(test, case) for test, case in self._tests_of(where) if _is_named(test, searched)]
                for test, case in found:
                    if test.id in searched and _NUMBER.search(test.id):
                        self.numbered[id(case)] = (case, test.id)
                if found:
                    return [case for _, case in found]
        return []

    def _tests_of(self, where: str) -> Identified:
        if where not in self._known:
            self._known[where] = self._identify(self._django_load(where))
        return self._known[where]

    def _names(self, name: str) -> Iterator[str]:
        """Candidates for what the label meant: tests of its class if there is one, then all classes, modules and apps."""
        tests = [test for test, _ in self._tests_of(".")]
        owner = name.rpartition(".")[0]
        yield from (test.id for test in tests if test.classname == owner)
        for test in tests:
            yield test.classname
            yield test.classname.rpartition(".")[0]
        yield from self._app_tests.names()
        yield from apps.app_configs


def locate(name: str) -> Target:
    """The target of the dotted *name*, whose modules are imported."""
    place = place_of(name)
    if place is None:
        return Target("", is_whole=False)
    parent: Any = None
    try:
        target: Any = importlib.import_module(place.module)
    except ImportError:
        return Target(place.module, is_whole=False, is_broken=True)
    for part in place.rest:
        try:
            parent, target = target, getattr(target, part)
        except AttributeError:
            return Target(place.module, is_whole=False)
    return Target(place.module, is_call=not _is_a_test(parent, target))


def _is_a_test(parent: Any, target: Any) -> bool:
    """Whether unittest makes tests of *target* without calling it."""
    if isinstance(target, types.ModuleType | unittest.TestSuite):
        return True
    return any(isinstance(each, type) and issubclass(each, unittest.TestCase) for each in (parent, target))


def _is_named(test: PlannedTest, names: set[str]) -> bool:
    return any(name in (test.id, test.classname) or test.id.startswith(f"{name}.") for name in names)


def _is_at(test: unittest.TestCase, path: list[str]) -> bool:
    """Whether *path* names *test* in its app: ``[Class]``, ``[Class, method]``, or empty for all tests of the app."""
    own = [*type(test).__qualname__.split("."), test_method_name(test)]
    return not path or own == path or own[: len(path)] == path
