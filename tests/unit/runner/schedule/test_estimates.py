"""Estimates from the times of earlier runs."""

from __future__ import annotations

from harness.protocol.messages import NO_HISTORY, History
from harness.protocol.results import PlannedTest
from harness.runner.schedule.estimates import estimated


def planned(name: str, file: str) -> PlannedTest:
    return PlannedTest(name, "C", name, file)


TESTS = [planned("a", "x.py"), planned("b", "x.py"), planned("new", "x.py"), planned("c", "y.py"), planned("d", "z.py")]


def test_a_new_test_gets_the_median_of_its_module_else_of_all() -> None:
    found = estimated(TESTS, History(("a", "b", "c"), (1.0, 3.0, 9.0), ("C",), (0.5,), ("D",)))
    assert found is not None
    assert found.tests == (1.0, 3.0, 2.0, 9.0, 3.0)
    assert found.fixtures == {"C": 0.5}
    assert found.whole == {"D"}


def test_without_a_known_test_there_is_no_estimate() -> None:
    assert estimated(TESTS, NO_HISTORY) is None
    assert estimated(TESTS, History(("gone",), (1.0,))) is None
    assert estimated([], History(("a",), (1.0,))) is None
