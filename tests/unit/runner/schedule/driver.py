"""Drives a schedule by hand: no process, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.protocol.results import Outcome
from harness.runner.schedule.commands import (
    Assign,
    Assignment,
    Blame,
    Command,
    LeaveOut,
    Spawn,
)
from harness.runner.schedule.schedule import Schedule
from harness.runner.schedule.slots import FailureLimit, Limits, Retries
from harness.runner.schedule.units import Place, Unit

TIMEOUT_S = 60.0
LIMITS = Limits(TIMEOUT_S)
PASSED, FAILED, CRASHED, TIMED_OUT = Outcome.PASSED, Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT


class Driver:
    """A schedule, and the events of its workers as a test reports them. The tests are ``t0``, ``t1`` ..., in units of *sizes*."""

    def __init__(
        self,
        *sizes: int,
        workers: int = 1,
        units: Sequence[Unit] = (),
        limits: Limits = LIMITS,
        retries: int | Retries = 0,
        maxfail: int = 0,
        **options: Any,
    ) -> None:
        self.now = 0.0
        starts = [sum(sizes[:number]) for number in range(len(sizes))]
        units = units or [
            Unit(f"U{number}", tuple(range(start, start + size)))
            for number, (start, size) in enumerate(zip(starts, sizes, strict=True))
        ]
        ids = [f"t{index}" for index in range(sum(len(unit.tests) for unit in units))]
        retries = retries if isinstance(retries, Retries) else Retries(retries)
        options.setdefault("failure_limit", FailureLimit(maxfail))
        self.schedule = Schedule(units, ids, workers, limits=limits, retries=retries, **options)
        self.finals: dict[str, Outcome] = {}

    def start(self) -> list[Command]:
        """Make every worker ready. Returns the commands for them."""
        assert self.schedule.start(self.now) == [Spawn(slot) for slot in self.schedule.slots]
        return [command for slot in self.schedule.slots for command in self.ready(slot)]

    def ready(self, slot: int = 1) -> list[Command]:
        return self.schedule.worker_is_ready(slot, self.now)

    def begin(self, test: str, slot: int = 1) -> None:
        self.schedule.test_began(slot, test, self.now)

    def begin_fixture(self, test: str, slot: int = 1) -> None:
        self.schedule.test_began(slot, test, self.now, is_fixture=True)

    def end(self, test: str, outcome: Outcome = PASSED, slot: int = 1, n: int = 1) -> list[Command]:
        is_final, commands = self.schedule.test_finished(slot, test, n, outcome, self.now)
        if is_final and test.startswith("t"):
            assert test not in self.finals
            self.finals[test] = outcome
        return commands

    def run(self, *tests: str, outcome: Outcome = PASSED, slot: int = 1, n: int = 1) -> list[Command]:
        """Begin and end each of *tests*. Returns the commands after the last."""
        commands: list[Command] = []
        for test in tests:
            self.begin(test, slot)
            commands = self.end(test, outcome, slot, n)
        return commands

    def pass_together(self, *tests: str, slot: int = 1, n: int = 1) -> None:
        """The same for *tests* that pass, as one event."""
        if self.schedule.tests_passed(slot, tests, n, self.now):
            assert not self.finals.keys() & set(tests)
            self.finals.update(dict.fromkeys(tests, PASSED))

    def done(self, slot: int = 1) -> list[Command]:
        return self.schedule.unit_finished(slot, self.now)

    def gone(self, slot: int = 1, place: Place = Place()) -> list[Command]:  # noqa: B008 - it is frozen
        commands = self.schedule.worker_is_gone(slot, self.now, place)
        for command in commands:
            if isinstance(command, Blame) and command.is_final and not command.is_fixture:
                self.finals[command.test] = command.outcome
            if isinstance(command, LeaveOut):
                self.finals.update((f"t{index}", Outcome.NOT_RUN) for index in command.tests)
        return commands

    def blamed(self, slot: int = 1) -> tuple[Blame, list[Command]]:
        """End the slot's worker. Returns the blame, which comes first, and the other commands."""
        blame, *commands = self.gone(slot)
        assert isinstance(blame, Blame)
        return blame, commands

    def tick(self, seconds: float = 0.0) -> list[Command]:
        self.now += seconds
        return self.schedule.tick(self.now)


def assign(unit: int, *tests: int, slot: int = 1, n: int = 1) -> Assign:
    return Assign(slot, Assignment(unit, tests, n))
