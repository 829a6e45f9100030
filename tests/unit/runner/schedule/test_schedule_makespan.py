"""The makespan of suites whose times are known, by the real schedule and a clock of the test's own."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence

import pytest

from harness.protocol.results import Outcome
from harness.runner.schedule.commands import Assign, Command, Retire, Spawn
from harness.runner.schedule.estimates import Estimates
from harness.runner.schedule.longest_first import longest_first
from harness.runner.schedule.schedule import Schedule
from harness.runner.schedule.slots import Limits
from harness.runner.schedule.units import Unit

AIM = 1.05
Draw = Callable[[random.Random], float]
DISTRIBUTIONS: dict[str, Draw] = {
    "equal": lambda _: 0.5,
    "uniform": lambda source: source.uniform(0.01, 1.0),
    "lognormal": lambda source: source.lognormvariate(-2.0, 1.5),
    "pareto": lambda source: min(source.paretovariate(1.2) * 0.02, 20.0),
    "few long": lambda source: 10.0 if source.random() < 0.002 else 0.05,
}


class Clock:
    """Runs a schedule on workers that take exactly the times of *estimates* for their units."""

    def __init__(self, units: Sequence[Unit], estimates: Estimates, slots: int) -> None:
        self._units = units
        self._estimates = estimates
        self._ids = [f"t{index}" for index in range(len(estimates.tests))]
        self._schedule = Schedule(units, self._ids, slots, limits=Limits(1e9))
        self._ends: list[tuple[float, int, Assign]] = []
        self._now = 0.0

    def run(self) -> float:
        """The seconds until the last unit has ended."""
        for command in self._schedule.start(0.0):
            assert isinstance(command, Spawn)
            self._obey(self._schedule.worker_is_ready(command.slot, 0.0))
        last = 0.0
        while self._ends:
            self._now, slot, command = heapq.heappop(self._ends)
            last = self._now
            for index in command.assignment.tests:
                self._schedule.test_began(slot, self._ids[index], self._now)
                self._schedule.test_finished(slot, self._ids[index], 1, Outcome.PASSED, self._now)
            self._obey(self._schedule.unit_finished(slot, self._now))
        assert not self._schedule.left_over()[0]
        return last

    def _obey(self, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Assign(slot, assignment):
                    seconds = self._estimates.fixtures.get(self._units[assignment.unit].name, 0.0)
                    seconds += sum(self._estimates.tests[index] for index in assignment.tests)
                    heapq.heappush(self._ends, (self._now + seconds, slot, command))
                case Retire(slot):
                    self._obey(self._schedule.worker_is_gone(slot, self._now))
                case Spawn(slot):
                    self._obey(self._schedule.worker_is_ready(slot, self._now))


def suite(number: int, draw: Draw, kind: str, source: random.Random) -> tuple[list[Unit], Estimates]:
    """So many classes. Where they are ``mixed``, the last fifth flushes the databases, and cannot be split."""
    most = 30 if number <= 1000 else 3
    units: list[Unit] = []
    seconds: list[float] = []
    fixtures: dict[str, float] = {}
    for place in range(number):
        tests = tuple(range(len(seconds), len(seconds) + source.randint(1, most)))
        seconds += [draw(source) for _ in tests]
        is_last = kind == "mixed" and place >= 0.8 * number
        unit = Unit(
            f"U{place}", tests, needs_data=not is_last, flushes=is_last, rank=int(is_last), may_split=not is_last
        )
        fixtures[unit.name] = 0.01
        units.append(unit)
    return units, Estimates(tuple(seconds), fixtures)


def ideal(units: Sequence[Unit], estimates: Estimates, slots: int) -> float:
    """The least makespan that is possible: a fair share, or the longest piece that cannot be split, with its fixture."""
    work, longest = 0.0, 0.0
    for unit in units:
        times = [estimates.tests[index] for index in unit.tests]
        fixture_s = estimates.fixtures[unit.name]
        work += sum(times) + fixture_s
        longest = max(longest, fixture_s + (max(times) if unit.may_split else sum(times)))
    return max(work / slots, longest)


SIZES = [
    *itertools.product(DISTRIBUTIONS, [100], [2, 3, 8, 16, 64], ["alike", "mixed"]),
    *itertools.product(DISTRIBUTIONS, [1000], [2, 64], ["mixed"]),
    ("lognormal", 10_000, 2, "mixed"),
    ("lognormal", 10_000, 64, "mixed"),
]


@pytest.mark.parametrize(("name", "number", "slots", "kind"), SIZES)
def test_the_makespan_is_near_the_ideal(name: str, number: int, slots: int, kind: str) -> None:
    source = random.Random(f"{name} {number} {slots}")
    units, estimates = suite(number, DISTRIBUTIONS[name], kind, source)
    clock = Clock(longest_first(units, estimates, slots), estimates, slots)
    taken, best = clock.run(), ideal(units, estimates, slots)
    assert taken <= AIM * best
