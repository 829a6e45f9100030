"""The next unit for a worker, by what earlier units have left in its databases and by the time that is left."""

from __future__ import annotations

from harness.runner.schedule.commands import Assignment
from harness.runner.schedule.unit_queue import UnitQueue
from harness.runner.schedule.units import FLUSHED, Unit

FLUSHED_ALREADY = frozenset({FLUSHED})


def queue(*seconds: tuple[str, float]) -> UnitQueue:
    """Units of one test each: ``d`` needs data, ``f`` flushes and is of the next rank."""
    return UnitQueue(
        [
            Unit(f"U{n}", (n,), needs_data=kind == "d", flushes=kind == "f", rank=int(kind == "f"), seconds=s)
            for n, (kind, s) in enumerate(seconds)
        ]
    )


def take(units: UnitQueue, left: frozenset[str] = frozenset(), others_s: float = 0.0, *, may_leave: bool = True) -> int:
    """The number of the next unit for one of two slots; -1 if there is none."""
    found = units.take(left, others_s, 2, may_leave=may_leave)
    return -1 if found is None else found.unit


class TestWithTimes:
    def test_a_worker_with_flushed_databases_takes_a_later_line(self) -> None:
        units = queue(("d", 2.0), ("d", 1.0), ("f", 0.5))
        assert take(units, FLUSHED_ALREADY) == 2
        assert take(units, FLUSHED_ALREADY) == -1
        assert [take(units), take(units), take(units)] == [0, 1, -1]

    def test_a_long_unit_of_a_later_line_begins_in_time(self) -> None:
        units = queue(("d", 2.0), ("d", 2.0), ("d", 2.0), ("f", 6.0))
        assert take(units) == 3

    def test_a_short_unit_of_a_later_line_waits(self) -> None:
        units = queue(("d", 2.0), ("d", 2.0), ("d", 2.0), ("d", 2.0), ("f", 1.0))
        assert take(units) == 0

    def test_running_units_count(self) -> None:
        units = (("d", 2.0), ("d", 2.0), ("f", 5.0))
        assert take(queue(*units)) == 2
        assert take(queue(*units), others_s=20.0) == 0

    def test_the_last_databases_with_data_are_kept(self) -> None:
        assert take(queue(("d", 2.0), ("f", 9.0)), may_leave=False) == 0

    def test_tests_that_are_dropped_take_no_time(self) -> None:
        units = queue(("d", 20.0), ("d", 2.0), ("d", 2.0), ("f", 5.0))
        units.without({0})
        assert take(units) == 3


class TestWithoutTimes:
    def test_units_go_in_order(self) -> None:
        units = queue(("d", 0.0), ("f", 0.0), ("d", 0.0))
        assert [take(units), take(units)] == [0, 1]
        assert take(units, FLUSHED_ALREADY) == -1
        units.append(Assignment(0, (0,), 2))
        assert [take(units), take(units)] == [2, 0]
        assert not units
