"""The order of units by their times, and the parts of long ones."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.runner.schedule.estimates import Estimates
from harness.runner.schedule.longest_first import longest_first, makespan
from harness.runner.schedule.units import Unit


def names(units: tuple[Unit, ...]) -> list[str]:
    return [unit.name for unit in units]


def unit(name: str, *tests: int, **fields: object) -> Unit:
    return replace(Unit(name, tests), **fields)  # type: ignore[arg-type]  # the fields of a unit


class TestOrder:
    def test_the_longest_of_a_rank_is_first(self) -> None:
        units = [unit("A", 0), unit("B", 1), unit("C", 2, rank=1), unit("D", 3, rank=1)]
        assert names(longest_first(units, Estimates((1.0, 2.0, 5.0, 6.0)), 2)) == ["B", "A", "D", "C"]

    def test_equal_units_keep_their_order(self) -> None:
        units = [unit(name, place) for place, name in enumerate("ABC")]
        assert names(longest_first(units, Estimates((1.0, 1.0, 1.0)), 2)) == ["A", "B", "C"]

    def test_units_with_own_data_are_together_and_last(self) -> None:
        own = [unit("A", 0, own_data="x"), unit("B", 1), unit("C", 2, own_data="y"), unit("D", 3, own_data="x")]
        assert names(longest_first(own, Estimates((1.0, 2.0, 9.0, 3.0)), 2)) == ["B", "D", "A", "C"]

    def test_the_fixtures_of_a_class_count(self) -> None:
        units = [unit("A", 0), unit("B", 1)]
        assert names(longest_first(units, Estimates((1.0, 2.0), {"A": 5.0}), 2)) == ["A", "B"]


class TestParts:
    def test_a_class_longer_than_its_share_is_split(self) -> None:
        found = longest_first([unit("A", 0, 1, 2, 3, may_split=True), unit("B", 4)], Estimates((1.0,) * 5), 2)
        assert all(part.is_part for part in found if part.name == "A")
        assert sorted(index for part in found for index in part.tests) == [0, 1, 2, 3, 4]
        assert makespan(found, 2) <= 3.0

    def test_a_class_that_may_not_be_split_stays_whole(self) -> None:
        tests = Estimates((1.0,) * 5)
        assert len(longest_first([unit("A", 0, 1, 2, 3), unit("B", 4)], tests, 2)) == 2
        splittable = [unit("A", 0, 1, 2, 3, may_split=True), unit("B", 4)]
        assert len(longest_first(splittable, replace(tests, whole=frozenset({"A"})), 2)) == 2

    def test_a_class_whose_fixtures_are_its_time_stays_whole(self) -> None:
        units = [unit("A", 0, 1, may_split=True), unit("B", 2)]
        assert len(longest_first(units, Estimates((0.1, 0.1, 0.1), {"A": 5.0}), 2)) == 2

    def test_a_suite_that_is_balanced_is_not_split(self) -> None:
        units = [unit("A", 0, 1, may_split=True), unit("B", 2, 3, may_split=True)]
        assert not any(each.is_part for each in longest_first(units, Estimates((1.0,) * 4), 2))

    def test_a_short_suite_is_not_split(self) -> None:
        units = [unit("A", 0, 1, may_split=True)]
        assert not any(each.is_part for each in longest_first(units, Estimates((0.04, 0.04)), 2))

    @given(
        st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=20), min_size=1, max_size=10),
        st.integers(2, 9),
        st.floats(0, 5),
    )
    def test_parts_have_each_test_once_and_in_order(
        self, classes: list[list[float]], slots: int, fixture_s: float
    ) -> None:
        units, seconds = list[Unit](), list[float]()
        for number, times in enumerate(classes):
            tests = range(len(seconds), len(seconds) + len(times))
            units.append(unit(f"U{number}", *tests, may_split=True))
            seconds += times
        estimates = Estimates(tuple(seconds), {each.name: fixture_s for each in units})
        found = longest_first(units, estimates, slots)
        assert sorted(index for each in found for index in each.tests) == list(range(len(seconds)))
        assert all(each.tests and list(each.tests) == sorted(each.tests) for each in found)
        assert makespan(found, slots) <= makespan(
            [*longest_first(units, replace(estimates, whole=frozenset(each.name for each in units)), slots)], slots
        )
