"""The phases of a slot and the deadlines of its worker. Pure: no process, no clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...protocol.results import Outcome
from .commands import Assignment, Command, Examine, Kill, ReportSlow, Terminate

START_S = 300.0
"""Seconds that a worker may take to make its clones and begin, and to come from one test to the next."""
RETIRE_S = 30.0
"""Seconds that a worker may take to end when asked to: exit handlers of the project's may wait for ever."""
EXAMINE_S = 2.0
"""Seconds that a worker out of time is examined before it is asked to end."""
TERM_S = 2.0
"""Seconds that it then has to end, before it is killed."""
SLOW_S = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds: ``test_s`` of a test or a fixture, unless ``own_s`` has its id; ``run_s`` of the whole run.

    For the tests in ``calls`` their own limit is that of the call alone, without set-up and tear-down.
    """

    test_s: float
    own_s: Mapping[str, float] = field(default_factory=dict)
    run_s: float | None = None
    calls: frozenset[str] = frozenset()

    def seconds_of(self, test: str, *, is_call: bool = False) -> float:
        return self.test_s if test in self.calls and not is_call else self.own_s.get(test, self.test_s)


@dataclass(frozen=True, slots=True)
class Retries:
    """The number of attempts that a red test has after its first: ``count``, unless ``own`` has its id."""

    count: int = 0
    own: Mapping[str, int] = field(default_factory=dict)

    def of(self, test: str) -> int:
        return self.own.get(test, self.count)


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """The run ends at ``maxfail`` red tests, 0 for no limit; ``before`` were red before the first test began."""

    maxfail: int = 0
    before: int = 0

    @property
    def is_reached(self) -> bool:
        return 0 < self.maxfail <= self.before

    def reason(self, test: str, outcome: Outcome) -> str:
        """The text for the end of the run after the last of these tests."""
        option = "--failfast" if self.maxfail == 1 else f"--maxfail={self.maxfail}"
        return f"{option}: {test} {outcome.value}"

    def after(self, outcome: Outcome) -> FailureLimit:
        """The limit once another test has this *outcome*."""
        return replace(self, before=self.before + 1) if outcome.is_red else self


NO_RETRIES = Retries()
NO_FAILURE_LIMIT = FailureLimit()


@dataclass(slots=True)
class Ending:
    """The schedule's decision to end a worker. ``outcome`` is that of its test, whatever the worker reports afterwards.
    ``is_postponed``: the test has none yet, and begins anew.
    """

    outcome: Outcome
    why: str
    since: float
    is_terminated: bool = False
    is_postponed: bool = False

    def check_time(self, slot: int, now: float) -> list[Command]:
        """Terminate an examined worker, then kill it."""
        if now - self.since <= (TERM_S if self.is_terminated else EXAMINE_S):
            return []
        if self.is_terminated:
            return [Kill(slot)]
        self.is_terminated, self.since = True, now
        return [Terminate(slot)]


@dataclass(slots=True)
class Running:
    """A test or a fixture that runs, and the seconds after which it is reported as slow.

    ``is_call``: it is neither in set-up nor tear-down, as far as its worker says; its limit counts from ``limit_since``.
    """

    test: str
    is_fixture: bool
    since: float
    slow_s: float
    limit_since: float
    is_call: bool = False


@dataclass(slots=True)
class Starting:
    """A worker makes the slot's clones."""

    since: float
    ending: Ending | None = None


@dataclass(slots=True)
class Busy:
    """A worker runs an assignment. ``since`` is the time of its last event; ``left`` is what earlier units have left in its
    clones, as ``Unit.leaves``.
    """

    assignment: Assignment
    since: float
    left: frozenset[str]
    done: set[int] = field(default_factory=set)
    running: Running | None = None
    ending: Ending | None = None


@dataclass(slots=True)
class Retiring:
    """A worker was asked to end. ``running`` is a fixture that ends after the units."""

    since: float
    running: Running | None = None
    ending: Ending | None = None


@dataclass(slots=True)
class Slot:
    """A slot: its phase (``None`` without a worker), the rest of an assignment whose worker died, and deaths without progress.

    A worker is idle only inside a step of the schedule, which gives it work or retires it: that is no phase. ``busy_until`` is
    when its unit ends, as far as the times of earlier runs tell.
    """

    number: int
    phase: Starting | Busy | Retiring | None = None
    rest: Assignment | None = None
    deaths: int = 0
    failed_starts: int = 0
    busy_until: float = 0.0

    @property
    def running(self) -> Running | None:
        return None if self.phase is None or isinstance(self.phase, Starting) else self.phase.running

    @property
    def ending(self) -> Ending | None:
        return self.phase.ending if self.phase else None

    def end(self, outcome: Outcome, why: str, now: float, *, at_once: bool = False) -> list[Command]:
        """End the worker because of *why*: examine it first, or kill it *at_once*."""
        if self.phase and self.phase.ending is None:
            self.phase.ending = Ending(outcome, why, now, is_terminated=at_once)
        return [Kill(self.number) if at_once else Examine(self.number)]

    def check_time(self, now: float, limits: Limits) -> list[Command]:
        """The commands for a worker that is slow or out of time."""
        if self.phase is None:
            return []
        if self.phase.ending is not None:
            return self.phase.ending.check_time(self.number, now)
        running, since, limit_s, why = self.running, self.phase.since, START_S, "did not begin in time"
        if running is not None:
            since, limit_s = running.limit_since, limits.seconds_of(running.test, is_call=running.is_call)
            why = f"timed out after {limit_s:g} s"
        elif isinstance(self.phase, Retiring):
            limit_s, why = min(RETIRE_S, limits.test_s), "did not end when it was asked to"
        if now - since > limit_s:
            return self.end(Outcome.TIMED_OUT, why, now)
        if isinstance(self.phase, Busy) and running is not None and now - since > running.slow_s:
            running.slow_s *= 2
            return [ReportSlow(self.number, running.test, self.phase.assignment.n, now - since)]
        return []
