"""Decides which worker runs which unit next: units, slots, retries, deadlines, crashes. Pure: no process, no clock, no I/O.

The coordinator reports events, with the time, and carries out the commands that come back. Every test that is planned leaves
here with one final outcome, or is named by ``left_over`` at the end with the reason why it never ran.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from ...protocol import naming
from ...protocol.results import Outcome
from .commands import Assign, Assignment, Blame, Command, Finish, GiveUp, Halt, Kill, LeaveOut, Retire, Spawn
from .slots import (
    NO_FAILURE_LIMIT,
    NO_RETRIES,
    SLOW_S,
    Busy,
    Ending,
    FailureLimit,
    Limits,
    Retiring,
    Retries,
    Running,
    Slot,
    Starting,
)
from .unit_queue import UnitQueue
from .units import Place, Unit

MAX_DEATHS_WITHOUT_PROGRESS = 3
MAX_DEATHS_IN_A_ROW = 20
MAX_DEATHS_IN_SET_UP = 2
"""Workers that may die in the set-up of one fixture: the tests that need it then do not run."""
RETRY_SHARE = 0.1
RETRY_AT_LEAST = 10
_SET_UP = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.XFAILED, Outcome.XPASSED})
"""The outcomes of tests whose fixtures were set up."""
_ENDED = {Outcome.TIMED_OUT: "timed out", Outcome.CRASHED: "crashed", Outcome.ERRORED: "forged an event"}


class Schedule:
    """The state of the run: the queues and the slots. ``ids`` are the planned tests' in order.

    A test that fails is tried again as ``retries`` has it, after everything else and in a worker of its own. One that passes is
    run ``repeat`` times in all. ``failure_limit`` ends the run early. ``last_fixtures`` are the ids of fixtures that
    end after their units.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        ids: Sequence[str],
        workers: int,
        *,
        limits: Limits,
        retries: Retries = NO_RETRIES,
        repeat: int = 1,
        failure_limit: FailureLimit = NO_FAILURE_LIMIT,
        last_fixtures: Iterable[str] = (),
    ) -> None:
        self._units = units
        self._ids = ids
        self._index = {test: index for index, test in enumerate(ids)}
        self._unit_of = {index: number for number, unit in enumerate(units) for index in unit.tests}
        self._queue = UnitQueue(units)
        self._retries = deque[Assignment]()
        self._alone = deque[Assignment]()
        self._slots = {number: Slot(number) for number in range(1, max(1, min(workers, len(units))) + 1)}
        self._limits = limits
        self._began = 0.0
        self._is_out_of_time = False
        self._max_retries = retries
        self._repeat = repeat
        self._failure_limit = failure_limit
        self._last_fixtures = frozenset(last_fixtures)
        self._deaths_in = Counter[str]()
        self._open = set(range(len(ids)))
        self._attempted = dict[int, Outcome]()
        self._red = 0
        self._deaths_in_a_row = 0
        self._halt_reason = ""

    @property
    def slots(self) -> tuple[int, ...]:
        return tuple(self._slots)

    @property
    def is_testing(self) -> bool:
        """Whether a test or a fixture runs."""
        return any(map(self.has_test, self._slots))

    def has_test(self, slot: int) -> bool:
        """Whether a test or a fixture runs in *slot*."""
        return self._slots[slot].running is not None

    def is_retiring(self, slot: int) -> bool:
        """Whether the slot's worker was asked to end."""
        return isinstance(self._slots[slot].phase, Retiring)

    def is_decided(self, slot: int) -> bool:
        """Whether the outcome of the test in *slot* is decided, whatever its worker reports."""
        return self._slots[slot].ending is not None

    def is_alone(self, slot: int) -> bool:
        """Whether the running test of *slot* is one that was postponed to run alone."""
        phase = self._slots[slot].phase
        return isinstance(phase, Busy) and phase.assignment.is_alone

    def is_postponed(self, slot: int) -> bool:
        """Whether the worker of *slot* ends because its test is postponed."""
        ending = self._slots[slot].ending
        return ending is not None and ending.is_postponed

    def start(self, now: float) -> list[Command]:
        """The first commands."""
        self._began = now
        return [command for slot in self._slots.values() for command in _spawn(slot, now)]

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcome of the last attempt of each test that has had one."""
        return {self._ids[index]: outcome for index, outcome in self._attempted.items()}

    def left_over(self) -> tuple[tuple[int, ...], str]:
        """The tests that never ran, and the reason."""
        return tuple(sorted(self._open - self._attempted.keys())), self._halt_reason or "the run ended before it"

    def called_off(self) -> tuple[dict[int, Outcome], str]:
        """The tests whose next attempt never came, with the outcome of their last one; and the reason."""
        left = {index: self._attempted[index] for index in sorted(self._open & self._attempted.keys())}
        return left, self._halt_reason or f"too many failed ({len(left) + self._red} of {len(self._ids)})"

    # events that the coordinator reports

    def worker_is_ready(self, number: int, now: float) -> list[Command]:
        """The slot's clones are made and its worker waits."""
        slot = self._slots[number]
        slot.failed_starts = 0
        return self._next(slot, now, is_fresh=True, left=frozenset())

    def test_began(self, number: int, test: str, now: float, *, is_fixture: bool = False) -> None:
        phase = self._slots[number].phase
        assert isinstance(phase, Busy | Retiring)
        phase.running = Running(test, is_fixture, now, SLOW_S, now)

    def phase_began(self, number: int, now: float, *, is_call: bool) -> None:
        """The call of the slot's running test, or its tear-down, has begun."""
        running = self._slots[number].running
        if running is not None and running.test in self._limits.calls:
            running.is_call, running.limit_since = is_call, now

    def forget_fixture(self, number: int) -> None:
        """Blame no fixture for the end of the slot's worker, even if a fixture was the last that began."""
        phase = self._slots[number].phase
        if isinstance(phase, Busy | Retiring) and phase.running is not None and phase.running.is_fixture:
            phase.running = None

    def test_finished(
        self, number: int, test: str, n: int, outcome: Outcome, now: float, *, may_retry: bool = True
    ) -> tuple[bool, list[Command]]:
        """An attempt has ended. Returns whether it is the test's last, and the commands. Without *may_retry* it is."""
        slot = self._slots[number]
        assert isinstance(slot.phase, Busy | Retiring)
        slot.phase.running, slot.phase.since = None, now
        slot.deaths = self._deaths_in_a_row = 0
        index = self._index.get(test)
        if index is not None and isinstance(slot.phase, Busy):
            slot.phase.done.add(index)
        if index is not None and not self._record(index, n, outcome, may_retry=may_retry):
            return False, []
        return True, self._fail_fast(test, outcome)  # a fixture is in no plan, and has one attempt

    def tests_passed(self, number: int, tests: Sequence[str], n: int, now: float) -> bool:
        """The *n*-th attempts of several *tests* have passed. Returns whether they are the last ones."""
        slot = self._slots[number]
        assert isinstance(slot.phase, Busy)
        slot.phase.running, slot.phase.since = None, now
        slot.deaths = self._deaths_in_a_row = 0
        indexes = [self._index[test] for test in tests]
        slot.phase.done.update(indexes)
        if not self._open.issuperset(indexes):
            return min([self._record(index, n, Outcome.PASSED) for index in indexes])
        self._attempted.update(dict.fromkeys(indexes, Outcome.PASSED))
        if n < self._repeat and not self._halt_reason:
            return False  # they run again after their unit has ended
        self._open.difference_update(indexes)
        return True

    def unit_goes_on(self, number: int, now: float) -> None:
        """The slot's worker works on its unit, though no test runs."""
        phase = self._slots[number].phase
        if isinstance(phase, Busy):
            phase.since = now

    def unit_finished(self, number: int, now: float) -> list[Command]:
        slot = self._slots[number]
        assert isinstance(slot.phase, Busy)
        self._repeat_later(slot.phase)
        left = slot.phase.left | self._units[slot.phase.assignment.unit].leaves
        return self._next(slot, now, is_fresh=False, left=left)

    def event_forged(self, number: int, why: str, now: float) -> list[Command]:
        """An event was forged in the name of the slot's worker: its test is red because of *why*, and the worker is killed."""
        return self._slots[number].end(Outcome.ERRORED, why, now, at_once=True)

    def postpone(self, number: int, now: float) -> list[Command]:
        """The slot's running test has to run alone: its worker is ended, and it begins anew after all others, in a worker of its
        own. No commands where a fixture of several tests runs: that cannot be.
        """
        slot = self._slots[number]
        if slot.running is None or slot.running.is_fixture or not isinstance(slot.phase, Busy):
            return []
        slot.phase.ending = Ending(Outcome.NOT_RUN, "", now, is_terminated=True, is_postponed=True)
        return [Kill(number)]

    def worker_is_gone(self, number: int, now: float, place: Place = Place()) -> list[Command]:  # noqa: B008 - it is frozen
        """The slot's process has ended; all its events have been reported before. *place* is where in the running test."""
        slot = self._slots[number]
        phase, slot.phase = slot.phase, None
        commands: list[Command] = []
        if isinstance(phase, Busy) and phase.ending is not None and phase.ending.is_postponed:
            self._postpone(slot, phase)
            phase = None
        elif not isinstance(phase, Retiring):
            self._deaths_in_a_row += 1
        if isinstance(phase, Starting):
            slot.failed_starts += 1
            if slot.failed_starts >= MAX_DEATHS_WITHOUT_PROGRESS:
                return [GiveUp(f"The worker of slot {number} died {slot.failed_starts} times before it could begin.")]
        if isinstance(phase, Busy):
            commands = self._account_for(slot, phase, place, now)
        elif isinstance(phase, Retiring) and phase.running is not None:
            outcome, why = (phase.ending.outcome, phase.ending.why) if phase.ending else (Outcome.CRASHED, "")
            commands = [_blame(slot.number, 1, phase.running, now, outcome, why)]
        if self._deaths_in_a_row >= MAX_DEATHS_IN_A_ROW and not self._halt_reason:
            commands += self.halt(f"{self._deaths_in_a_row} workers in a row died")
        if slot.rest or self._queue or self._may_run_alone(slot) or self._may_retry(slot):
            commands += _spawn(slot, now)
        elif not any(other.phase for other in self._slots.values()):
            commands.append(Finish())
        return commands

    def tick(self, now: float) -> list[Command]:
        """Time has passed: check the deadlines."""
        commands: list[Command] = []
        if self._limits.run_s is not None and now - self._began > self._limits.run_s and not self._is_out_of_time:
            commands += self._end_run(now, f"the run's {self._limits.run_s:g} s are over")
        for slot in self._slots.values():
            commands += slot.check_time(now, self._limits)
        return commands

    def still_running(self, now: float, why: str) -> list[Blame]:
        """A blame for each test that runs, and will not come to its end because of *why*."""
        return [
            _blame(slot.number, phase.assignment.n, phase.running, now, Outcome.ERRORED, why)
            for slot in self._slots.values()
            if isinstance(phase := slot.phase, Busy) and phase.running is not None
        ]

    # decisions

    def _next(self, slot: Slot, now: float, *, is_fresh: bool, left: frozenset[str]) -> list[Command]:
        """Give the slot's worker its next assignment, or retire it; ``is_fresh``: it has run nothing yet."""
        assignment = slot.rest or self._take(slot, now, is_fresh=is_fresh, left=left)
        # a worker that was told to end goes on until the signal arrives
        ending = slot.ending if slot.ending and slot.ending.is_terminated else None
        if assignment is None:
            slot.phase = Retiring(now, ending=ending)
            return [Retire(slot.number)]
        slot.rest = None
        slot.phase = Busy(assignment, now, left, ending=ending)
        slot.busy_until = now + self._units[assignment.unit].seconds
        return [Assign(slot.number, assignment)]

    def _take(self, slot: Slot, now: float, *, is_fresh: bool, left: frozenset[str]) -> Assignment | None:
        if self._queue:  # nothing is taken if the clones have lost the rows of migrations, or have other rows
            others = [other for other in self._slots.values() if other is not slot]
            others_s = sum(max(0.0, other.busy_until - now) for other in others)
            may_leave = any(self._is_clean(other) for other in others)
            return self._queue.take(left, others_s, len(self._slots), may_leave=may_leave)
        if is_fresh and self._may_run_alone(slot):
            return self._alone.popleft()
        return self._retries.popleft() if is_fresh and self._may_retry(slot) else None

    def _is_clean(self, slot: Slot) -> bool:
        """Whether the slot's databases are as new after its running unit."""
        phase = slot.phase
        if isinstance(phase, Busy):
            return not (phase.left | self._units[phase.assignment.unit].leaves)
        return isinstance(phase, Starting)

    def _may_run_alone(self, slot: Slot) -> bool:
        """Whether a postponed test may run in *slot*."""
        return bool(self._alone) and not self._has_others(slot)

    def _has_others(self, slot: Slot) -> bool:
        """Whether another slot than *slot* has a worker."""
        return any(other.phase for other in self._slots.values() if other is not slot)

    def _may_retry(self, slot: Slot) -> bool:
        """Whether a failed test may be tried again in *slot*: alone, and only if few tests failed."""
        if not self._retries or self._has_others(slot):
            return False
        waiting = {assignment.tests[0] for assignment in self._retries}
        return len(waiting) + self._red <= max(RETRY_AT_LEAST, RETRY_SHARE * len(self._ids))

    def _postpone(self, slot: Slot, phase: Busy) -> None:
        """Keep the slot's test for the end, and the rest of its assignment for the slot."""
        self._repeat_later(phase)
        given, running = phase.assignment, phase.running
        index = None if running is None else self._index[running.test]
        rest = tuple(other for other in given.tests if other not in phase.done and other != index)
        self._resume(slot, given, rest)
        if index is not None and not self._halt_reason:
            self._alone.append(Assignment(given.unit, (index,), given.n, is_alone=True))

    def _account_for(self, slot: Slot, phase: Busy, place: Place, now: float) -> list[Command]:
        """A busy worker has died: blame the test that ran, and keep the rest of its assignment for the slot."""
        slot.deaths += 1
        self._repeat_later(phase)
        given, running = phase.assignment, phase.running
        rest = tuple(index for index in given.tests if index not in phase.done)
        if running is None:
            if slot.deaths >= MAX_DEATHS_WITHOUT_PROGRESS:
                return self._leave_out(rest, f"its worker died {slot.deaths} times before it could run")
            self._resume(slot, given, rest)
            return []
        slot.deaths = 0  # a test gets its outcome: that is progress
        outcome, why = (phase.ending.outcome, phase.ending.why) if phase.ending else (Outcome.CRASHED, "")
        commands, is_final = list[Command](), True
        if running.test in self._last_fixtures:
            self._resume(slot, given, rest)  # a fixture of earlier tests
        elif running.is_fixture:
            commands = self._leave_out(rest, f"{naming.class_and_name(running.test)[1]} {_ENDED[outcome]}")
        else:
            index = self._index[running.test]
            self._resume(slot, given, tuple(other for other in rest if other != index))
            is_final = self._record(index, given.n, outcome)
            commands = self._give_up(place, outcome)
        blame = _blame(
            slot.number, given.n, running, now, outcome, why, is_final=is_final, is_forger=outcome is Outcome.ERRORED
        )
        return [blame, *commands, *(self._fail_fast(running.test, outcome) if is_final else [])]

    def _give_up(self, place: Place, outcome: Outcome) -> list[Command]:
        """Leave out the tests that need a fixture in whose set-up several workers have died, if none has ever got it."""
        self._deaths_in[place.name] += 1
        if self._deaths_in[place.name] < MAX_DEATHS_IN_SET_UP or self._halt_reason:
            return []
        if any(self._attempted.get(index) in _SET_UP for index in place.users):
            return []
        running = {
            index
            for slot in self._slots.values()
            if isinstance(slot.phase, Busy)
            for index in slot.phase.assignment.tests
        }
        left = place.users & self._open - self._attempted.keys() - running
        self._queue.without(left)
        for slot in self._slots.values():
            if slot.rest is not None:
                slot.rest = kept if (kept := slot.rest.without(left)).tests else None
        reason = f"{place.name} {_ENDED[outcome]} in {self._deaths_in[place.name]} workers"
        return self._leave_out(tuple(sorted(left)), reason)

    def _resume(self, slot: Slot, given: Assignment, rest: tuple[int, ...]) -> None:
        slot.rest = Assignment(given.unit, rest, given.n) if rest and not self._halt_reason else None

    def _record(self, index: int, n: int, outcome: Outcome, *, may_retry: bool = True) -> bool:
        """Record the outcome of a test's *n*-th attempt; whether it is the last one. Queues a retry if there is to be one."""
        if index not in self._open:
            return False
        self._attempted[index] = outcome
        if not self._halt_reason:
            is_retried = may_retry and n <= self._max_retries.of(self._ids[index])
            if is_retried and outcome.is_red and outcome is not Outcome.NOT_RUN:
                self._retries.append(Assignment(self._unit_of[index], (index,), n + 1))
                return False
            if n < self._repeat and outcome in (Outcome.PASSED, Outcome.XFAILED):
                return False  # it runs again after its unit has ended
        self._close(index, outcome)
        return True

    def _repeat_later(self, phase: Busy) -> None:
        """Queue the assignment's passed tests to run again after everything else, if they have attempts left."""
        given = phase.assignment
        again = tuple(index for index in given.tests if index in self._open and index in phase.done)
        if again and given.n < self._repeat and not self._halt_reason:
            self._queue.append(Assignment(given.unit, again, given.n + 1))

    def _close(self, index: int, outcome: Outcome) -> None:
        self._open.discard(index)
        self._red += outcome.is_red

    def _leave_out(self, tests: tuple[int, ...], reason: str) -> list[Command]:
        left = tuple(index for index in tests if index in self._open)
        for index in left:
            self._close(index, Outcome.NOT_RUN)
        return [LeaveOut(left, reason)] if left else []

    def _fail_fast(self, test: str, outcome: Outcome) -> list[Command]:
        self._failure_limit = limit = self._failure_limit.after(outcome)
        if outcome.is_red and limit.is_reached and not self._halt_reason:
            return self.halt(limit.reason(test, outcome))
        return []

    def halt(self, reason: str) -> list[Command]:
        """Start no more tests, because of *reason*."""
        self._halt_reason = reason
        self._queue.clear()
        self._retries.clear()
        self._alone.clear()
        for slot in self._slots.values():
            slot.rest = None
        return [Halt(reason)]

    def _end_run(self, now: float, why: str) -> list[Command]:
        """The run's own time is over: running tests have timed out, the others do not run."""
        self._is_out_of_time = True
        commands = [] if self._halt_reason else self.halt(why)
        for slot in self._slots.values():
            if slot.running is None and isinstance(slot.phase, Busy | Starting):
                commands += slot.end(Outcome.TIMED_OUT, why, now, at_once=True)
            elif slot.running is not None and slot.ending is None:
                commands += slot.end(Outcome.TIMED_OUT, f"timed out: {why}", now)
        return commands


def _spawn(slot: Slot, now: float) -> list[Command]:
    slot.phase = Starting(now)
    return [Spawn(slot.number)]


def _blame(
    slot: int,
    n: int,
    running: Running,
    now: float,
    outcome: Outcome,
    why: str,
    *,
    is_final: bool = True,
    is_forger: bool = False,
) -> Blame:
    return Blame(slot, running.test, n, outcome, now - running.since, running.is_fixture, is_final, why, is_forger)
