"""The order of units by the times of earlier runs: longest first, in parts where that changes no outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django
import pytest

from harness.protocol.events import RunPlanned, UnitStarted
from harness.protocol.messages import History
from tests.environments import python_with
from tests.runner.conversation import Journal, MakeProject, RunTests

SUITE = """
import unittest
from django.test import SimpleTestCase, TestCase, TransactionTestCase

class ATests(SimpleTestCase):
    def test_1(self): pass

class BTests(SimpleTestCase):
    def test_1(self): pass
    def test_2(self): pass
    def test_3(self): pass
    def test_4(self): pass

class CTests(TransactionTestCase):
    def test_1(self): pass
    def test_2(self): pass

class DTests(TestCase):
    def test_1(self): pass

class ETests(unittest.TestCase):
    def test_1(self): pass
"""
SECONDS = {"A": (1,), "B": (2, 2, 2, 2), "C": (4, 4), "D": (0.5,), "E": (9,)}


def history(seconds: dict[str, tuple[float, ...]] = SECONDS, **others: Any) -> History:
    """The times of the tests of the classes ``ATests`` and so on."""
    times = {f"tests.{name}Tests.test_{n}": s for name, each in seconds.items() for n, s in enumerate(each, 1)}
    return History(tuple(times), tuple(times.values()), **others)


def units(journal: Journal) -> list[tuple[str, int]]:
    """The classes in the order in which they began, each with the number of its tests."""
    return [(event.unit.rpartition(".")[2][0], len(event.tests)) for event in journal.all(UnitStarted)]


class TestDjango:
    def test_groups_keep_their_order_with_the_longest_first(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": SUITE})
        journal = run_project("tests", workers=2, history=history())
        assert journal.one(RunPlanned).is_longest_first
        assert journal.planned[0].id.endswith("DTests.test_1")  # the plan is in Django's order
        begun = units(journal)
        assert sorted(begun) == [("A", 1), ("B", 2), ("B", 2), ("C", 2), ("D", 1), ("E", 1)]
        assert begun.index(("C", 2)) < begun.index(("A", 1))
        assert set(journal.outcomes().values()) == {"PASSED"}

    @pytest.mark.parametrize(
        "spec",
        [
            {"workers": 1},
            {"workers": 2, "django": ["--reverse"]},
            {"workers": 2, "django": ["--shuffle=3"]},
            {"workers": 2, "replay": ("tests.ETests.test_1", "tests.ATests.test_1")},
        ],
    )
    def test_an_order_that_the_user_chose_stays(
        self, project: MakeProject, run_project: RunTests, spec: dict[str, Any]
    ) -> None:
        project({"tests.py": SUITE})
        ordered = run_project("tests", history=history(), **spec)
        assert not ordered.one(RunPlanned).is_longest_first
        assert len(units(ordered)) == (2 if "replay" in spec else 5)

    def test_the_order_of_a_runner_of_the_project_stays(self, project: MakeProject, run_project: RunTests) -> None:
        runner = """
from django.test.runner import DiscoverRunner

class Runner(DiscoverRunner):
    def build_suite(self, *args, **kwargs):
        suite = super().build_suite(*args, **kwargs)
        return self.test_suite(sorted(suite, key=lambda test: type(test).__name__))
"""
        project({"tests.py": SUITE, "own.py": runner}, "TEST_RUNNER = 'own.Runner'")
        journal = run_project("tests", workers=2, history=history())
        assert not journal.one(RunPlanned).is_longest_first
        assert [name for name, _ in units(journal)] == ["A", "B", "C", "D", "E"]

    def test_what_red_tests_of_a_split_class_may_need_is_said(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"tests.py": SUITE.replace("def test_3(self): pass", "def test_3(self): self.fail()")})
        times = history({"A": (0.1,), "B": (2, 2, 2, 2)})
        journal = run_project("tests.ATests", "tests.BTests", workers=2, history=times)
        assert journal.outcomes()["BTests.test_3"] == "FAILED"
        assert journal.notices("split-class")[0].startswith("Tests failed in tests.BTests, which ran in parts.")
        whole = History(times.tests, times.seconds, whole=("tests.BTests",))
        again = run_project("tests.ATests", "tests.BTests", workers=2, history=whole)
        assert units(again) == [("B", 4), ("A", 1)]
        assert not again.notices("split-class")


ITEMS = """
import pytest, unittest

@pytest.fixture(scope="class")
def shared(): pass

def test_a(): pass
def test_b(): pass

class TestShared:
    def test_1(self, shared): pass
    def test_2(self, shared): pass

class TestUnit(unittest.TestCase):
    def test_1(self): pass
"""
LAST = "def pytest_collection_modifyitems(items): items.sort(key=lambda item: item.name)\n"


@pytest.fixture(scope="session")
def python() -> str:
    return str(python_with("pytest-9", f"django=={django.get_version()}", "tblib", "pytest==9.*", "pytest-django"))


@pytest.fixture
def run_items(project: MakeProject, run_project: RunTests, python: str, tmp_path: Path) -> RunTests:
    def run(**files: str) -> Journal:
        ini = "[pytest]\nDJANGO_SETTINGS_MODULE = settings\n"
        project({"pytest.ini": ini, "test_it.py": ITEMS, **{f"{name}.py": text for name, text in files.items()}})
        names = ("test_a", "test_b", "TestShared::test_1", "TestShared::test_2", "TestUnit::test_1")
        times = History(tuple(f"test_it.py::{name}" for name in names), (0.1, 0.2, 3.0, 3.0, 4.0))
        return run_project(python=python, framework="pytest", workers=2, history=times)

    return run


class TestPytest:
    def test_the_longest_items_begin_first(self, run_items: RunTests) -> None:
        journal = run_items()
        assert journal.one(RunPlanned).is_longest_first
        begun = [event.tests[0] for event in journal.all(UnitStarted)]
        assert begun[0] == "test_it.py::TestShared::test_1"
        assert begun[1] == "test_it.py::TestUnit::test_1"
        assert set(journal.outcomes().values()) == {"PASSED"}

    def test_the_order_of_a_conftest_stays(self, run_items: RunTests) -> None:
        journal = run_items(conftest=LAST)
        assert not journal.one(RunPlanned).is_longest_first
        assert journal.planned[0].id == "test_it.py::TestShared::test_1"
