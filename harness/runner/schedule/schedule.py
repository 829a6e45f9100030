"""Decides which worker runs which unit next: units, slots, retries, deadlines, crashes. Pure: no process, no clock, no I/O.

The coordinator reports events, with the time, and carries out the commands that come back. Every test that is planned leaves
here with one final outcome, or is named by ``left_over`` at the end with the reason why it never ran.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ...protocol.events import Outcome
from .commands import (
    Assign,
    Assignment,
    Blame,
    Command,
    Examine,
    Finish,
    GiveUp,
    Halt,
    Kill,
    LeaveOut,
    Retire,
    Spawn,
    TellSlow,
    Terminate,
)
from .units import Unit

START_S = 300.0
"""Seconds that a worker may take to make its clones and begin, and to come from one test to the next."""
RETIRE_S = 30.0
"""Seconds that a worker may take to end when asked to: exit handlers of the project's may wait for ever."""
EXAMINE_S = 2.0
"""Seconds that a worker out of time is examined before it is asked to end."""
TERM_S = 2.0
"""Seconds that it then has to end, before it is killed."""
SLOW_S = 10.0
MAX_DEATHS_WITHOUT_PROGRESS = 3
MAX_DEATHS_IN_A_ROW = 20
RETRY_SHARE = 0.1
RETRY_AT_LEAST = 10
_ENDED = {Outcome.TIMED_OUT: "timed out", Outcome.CRASHED: "crashed", Outcome.ERRORED: "forged an event"}


@dataclass(slots=True)
class _Slot:
    number: int
    phase: Literal["starting", "idle", "busy", "retiring", "closed"] = "starting"
    since: float = 0.0
    assignment: Assignment | None = None
    done: set[int] = field(default_factory=set)
    current: str | None = None
    is_fixture: bool = False
    next_slow: float = SLOW_S
    late_at: float | None = None
    termed_at: float | None = None
    why: str = ""
    is_forger: bool = False
    killed_for: str | None = None
    is_killed: bool = False
    rest: Assignment | None = None
    is_fresh: bool = True
    has_flushed: bool = False
    deaths: int = 0
    failed_starts: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds: ``test_s`` of a test or a fixture, unless ``of`` has its id; ``run_s`` of the whole run."""

    test_s: float
    of: Mapping[str, float] = field(default_factory=dict)
    run_s: float | None = None

    def of_test(self, test: str) -> float:
        return self.of.get(test, self.test_s)


class Schedule:
    """The state of the run: the queues and the slots' assignments. ``ids`` are the planned tests' in order.

    A test that fails is tried ``retries`` times more, after everything else and in a worker of its own. One that passes is run
    ``repeat`` times in all.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        ids: Sequence[str],
        workers: int,
        *,
        limits: Limits,
        retries: int = 0,
        repeat: int = 1,
        is_failfast: bool = False,
    ) -> None:
        self._units = units
        self._ids = ids
        self._index = {test: index for index, test in enumerate(ids)}
        self._queue = deque(Assignment(number, unit.tests) for number, unit in enumerate(units))
        self._slots = {number: _Slot(number) for number in range(1, max(1, min(workers, len(units))) + 1)}
        self._retries = deque[Assignment]()
        self._limits = limits
        self._began = 0.0
        self._is_out_of_time = False
        self._max_retries = retries
        self._repeat = repeat
        self._is_failfast = is_failfast
        self._open = set(range(len(ids)))
        self._attempted = dict[int, Outcome]()
        self._red = 0
        self._deaths_in_a_row = 0
        self._halt_reason = ""
        self._is_finished = False

    @property
    def slots(self) -> tuple[int, ...]:
        return tuple(self._slots)

    @property
    def is_testing(self) -> bool:
        """Whether a test or a fixture runs."""
        return any(map(self.has_test, self._slots))

    def has_test(self, slot: int) -> bool:
        """Whether a test or a fixture runs in *slot*."""
        return self._slots[slot].phase == "busy" and self._slots[slot].current is not None

    def is_retiring(self, slot: int) -> bool:
        """Whether the slot's worker was asked to end."""
        return self._slots[slot].phase == "retiring"

    def is_decided(self, slot: int) -> bool:
        """Whether the outcome of the test in *slot* is decided, whatever its worker says: it is late, or has forged an event."""
        return self._slots[slot].late_at is not None or self._slots[slot].is_forger

    def start(self, now: float) -> list[Command]:
        """The first commands."""
        self._began = now
        return [command for number in self._slots for command in self._spawn(self._slots[number], now)]

    def left_over(self) -> tuple[tuple[int, ...], str]:
        """The tests that never ran, and the reason."""
        return tuple(sorted(self._open - self._attempted.keys())), self._halt_reason or "the run ended before it"

    def called_off(self) -> tuple[dict[int, Outcome], str]:
        """The tests whose next attempt never came, with the outcome of their last one; and the reason."""
        left = {index: self._attempted[index] for index in sorted(self._open & self._attempted.keys())}
        return left, self._halt_reason or f"too many failed ({len(left) + self._red} of {len(self._ids)})"

    # events that the coordinator reports

    def worker_is_ready(self, slot: int, now: float) -> list[Command]:
        """The slot's clones are made and its worker waits."""
        state = self._slots[slot]
        state.phase, state.since, state.is_fresh, state.has_flushed = "idle", now, True, False
        state.failed_starts = 0
        return self._next(state, now)

    def test_began(self, slot: int, test: str, now: float, *, is_fixture: bool = False) -> None:
        state = self._slots[slot]
        state.current, state.is_fixture, state.since, state.next_slow = test, is_fixture, now, SLOW_S

    def went_on(self, slot: int) -> list[Command]:
        """A test that ``is_decided`` has ended by itself: its worker is killed, and the rest runs in a new one."""
        return self._kill(self._slots[slot])

    def has_forged(self, slot: int, what: str) -> list[Command]:
        """An event was forged in the name of the slot's worker (*what*): the test that runs there is red, and the worker is
        killed.
        """
        state = self._slots[slot]
        if state.late_at is None:
            state.is_forger, state.why = True, what
        return self._kill(state)

    def fixture_is_not_to_blame(self, slot: int) -> None:
        """No fixture is to blame for the end of the slot's worker, even if a fixture was the last that began."""
        state = self._slots[slot]
        if state.is_fixture:
            state.current = None

    def test_finished(self, slot: int, test: str, n: int, outcome: Outcome, now: float) -> tuple[bool, list[Command]]:
        """An attempt has ended. Returns whether it is the test's last, and the commands."""
        state = self._slots[slot]
        state.current, state.since = None, now
        state.deaths = self._deaths_in_a_row = 0
        index = self._index.get(test)
        if index is None:  # a fixture
            return True, self._fail_fast(test, outcome)
        state.done.add(index)
        if index not in self._open:
            return False, []
        if outcome.is_red and outcome is not Outcome.NOT_RUN and self._put_off(index, n, outcome):
            return False, []
        if n < self._repeat and outcome in (Outcome.PASSED, Outcome.XFAILED) and not self._halt_reason:
            self._attempted[index] = outcome  # it runs again after its unit has ended
            return False, []
        self._close(index, outcome)
        return True, self._fail_fast(test, outcome)

    def unit_finished(self, slot: int, now: float) -> list[Command]:
        state = self._slots[slot]
        if (given := state.assignment) is not None:
            state.has_flushed |= self._units[given.unit].flushes
            self._repeat_later(state, given)
        state.phase, state.assignment, state.current, state.since, state.is_fresh = "idle", None, None, now, False
        return self._next(state, now)

    def worker_is_gone(self, slot: int, now: float) -> list[Command]:
        """The slot's process has ended, in whatever way; everything that it sent has been reported before."""
        state = self._slots[slot]
        phase, assignment, test = state.phase, state.assignment, state.current
        if phase == "retiring":
            return self._after_retirement(state, now)
        state.phase, state.assignment, state.current = "closed", None, None
        self._deaths_in_a_row += 1
        commands: list[Command] = []
        if phase == "starting":
            state.failed_starts += 1
            if state.failed_starts >= MAX_DEATHS_WITHOUT_PROGRESS:
                return [GiveUp(f"The worker of slot {slot} died {state.failed_starts} times before it could begin.")]
        elif assignment is not None:
            state.deaths += 1
            commands = self._account_for(state, assignment, test, now)
        if self._deaths_in_a_row >= MAX_DEATHS_IN_A_ROW and not self._halt_reason:
            commands += self.halt(f"{self._deaths_in_a_row} workers in a row died")
        return commands + self._after_retirement(state, now)

    def tick(self, now: float) -> list[Command]:
        """Time has passed: check the deadlines."""
        commands: list[Command] = []
        if self._limits.run_s is not None and now - self._began > self._limits.run_s and not self._is_out_of_time:
            commands += self._end_of_time(now, f"the run's {self._limits.run_s:g} s are over")
        for state in self._slots.values():
            commands += self._check_time(state, now)
        return commands

    def still_running(self, now: float, why: str) -> list[Blame]:
        """A blame for each test that runs, and will not come to its end because of *why*."""
        return [
            Blame(
                state.number,
                test,
                given.n,
                Outcome.ERRORED,
                now - state.since,
                state.is_fixture,
                is_final=True,
                why=why,
            )
            for state in self._slots.values()
            if state.phase == "busy" and (test := state.current) is not None and (given := state.assignment)
        ]

    # decisions

    def _next(self, state: _Slot, now: float) -> list[Command]:
        assignment = state.rest
        if assignment is None and self._queue:
            if self._units[self._queue[0].unit].needs_data and state.has_flushed:
                return self._retire(state, now)  # its clones have lost the rows of migrations
            assignment = self._queue.popleft()
        if assignment is None and self._retries and self._is_alone(state):
            if not self._may_retry():
                self._retries.clear()
            elif not state.is_fresh:
                return self._retire(state, now)
            else:
                assignment = self._retries.popleft()
        if assignment is None:
            return self._retire(state, now)
        state.rest = None
        state.phase, state.assignment, state.done, state.since = "busy", assignment, set(), now
        return [Assign(state.number, assignment)]

    def _has_work_for(self, state: _Slot) -> bool:
        return bool(state.rest or self._queue or (self._retries and self._is_alone(state) and self._may_retry()))

    def _is_alone(self, state: _Slot) -> bool:
        return all(other is state or other.phase == "closed" for other in self._slots.values())

    def _may_retry(self) -> bool:
        waiting = {assignment.tests[0] for assignment in self._retries}
        return len(waiting) + self._red <= max(RETRY_AT_LEAST, RETRY_SHARE * len(self._ids))

    def _retire(self, state: _Slot, now: float) -> list[Command]:
        state.phase, state.since = "retiring", now
        return [Retire(state.number)]

    def _after_retirement(self, state: _Slot, now: float) -> list[Command]:
        state.phase, state.late_at, state.termed_at = "closed", None, None
        if self._has_work_for(state):
            return self._spawn(state, now)
        if not self._is_finished and all(other.phase == "closed" for other in self._slots.values()):
            self._is_finished = True
            return [Finish()]
        return []

    def _spawn(self, state: _Slot, now: float) -> list[Command]:
        state.phase, state.since, state.killed_for, state.is_killed = "starting", now, None, False
        state.late_at, state.termed_at, state.is_forger = None, None, False
        return [Spawn(state.number)]

    def _account_for(self, state: _Slot, given: Assignment, test: str | None, now: float) -> list[Command]:
        """A busy worker has died: blame the test that ran, and reschedule the rest of its assignment."""
        self._repeat_later(state, given)
        rest = tuple(index for index in given.tests if index not in state.done)
        if test is None or (state.is_killed and state.killed_for != test):  # the test it was killed for finished first
            if state.deaths < MAX_DEATHS_WITHOUT_PROGRESS:
                state.rest = Assignment(given.unit, rest, given.n) if rest and not self._halt_reason else None
                return []
            return self._leave_out(rest, f"its worker died {state.deaths} times before it could run")
        state.deaths = 0  # a test gets its outcome: that is progress
        blame = self._blame(state, test, given.n, now)
        outcome = blame.outcome
        if state.is_fixture:
            left_out = self._leave_out(rest, f"{test.rpartition('.')[2]} {_ENDED[outcome]}")
            return [blame, *left_out, *self._fail_fast(test, outcome)]
        index = self._index[test]
        rest = tuple(other for other in rest if other != index)
        state.rest = Assignment(given.unit, rest, given.n) if rest and not self._halt_reason else None
        is_final = not self._put_off(index, given.n, outcome)
        if is_final:
            self._close(index, outcome)
        return [replace(blame, is_final=is_final), *(self._fail_fast(test, outcome) if is_final else [])]

    def _blame(self, state: _Slot, test: str, n: int, now: float) -> Blame:
        is_late = state.late_at is not None
        outcome = Outcome.TIMED_OUT if is_late else Outcome.ERRORED if state.is_forger else Outcome.CRASHED
        why = state.why if is_late or state.is_forger else ""
        elapsed = now - state.since
        return Blame(state.number, test, n, outcome, elapsed, state.is_fixture, True, why, state.is_forger)

    def _put_off(self, index: int, n: int, outcome: Outcome) -> bool:
        """Queue another attempt after a failed one, if it may have one; whether it may."""
        self._attempted[index] = outcome
        if n > self._max_retries or self._halt_reason:
            return False
        unit = next(number for number, unit in enumerate(self._units) if index in unit.tests)
        self._retries.append(Assignment(unit, (index,), n + 1))
        return True

    def _repeat_later(self, state: _Slot, given: Assignment) -> None:
        """Queue the passed tests of *given* to run again after everything else, if they have attempts left."""
        again = tuple(index for index in given.tests if index in self._open and index in state.done)
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
        if self._is_failfast and outcome.is_red and not self._halt_reason:
            return self.halt(f"--failfast: {test} {outcome.value}")
        return []

    def halt(self, reason: str) -> list[Command]:
        """Start no more tests, because of *reason*."""
        self._halt_reason = reason
        self._queue.clear()
        self._retries.clear()
        for state in self._slots.values():
            state.rest = None
        return [Halt(reason)]

    def _check_time(self, state: _Slot, now: float) -> list[Command]:
        elapsed = now - state.since
        if state.late_at is not None:
            return self._end_late(state, now)
        if state.phase == "retiring":
            is_late = elapsed > min(RETIRE_S, self._limits.test_s)
            return self._examine(state, now, "did not end when it was asked to") if is_late else []
        if state.phase == "starting" or (state.phase == "busy" and state.current is None):
            return self._examine(state, now, "did not begin in time") if elapsed > START_S else []
        if state.phase != "busy" or state.current is None:
            return []
        limit = self._limits.of_test(state.current)
        if elapsed > limit:
            return self._examine(state, now, f"timed out after {limit:g} s")
        if elapsed > state.next_slow:
            state.next_slow *= 2
            n = state.assignment.n if state.assignment else 1
            return [TellSlow(state.number, state.current, n, elapsed)]
        return []

    def _examine(self, state: _Slot, now: float, why: str) -> list[Command]:
        state.late_at, state.termed_at, state.why = now, None, why
        return [Examine(state.number)]

    def _end_late(self, state: _Slot, now: float) -> list[Command]:
        """A worker is out of time and was examined: terminate it, then kill it."""
        if state.termed_at is not None:
            return self._kill(state) if now - state.termed_at > TERM_S else []
        if state.late_at is None or now - state.late_at <= EXAMINE_S:
            return []
        state.termed_at, state.killed_for, state.is_killed = now, state.current, True
        return [Terminate(state.number)]

    def _end_of_time(self, now: float, why: str) -> list[Command]:
        """The run's own time is over: running tests have timed out, the others do not run."""
        self._is_out_of_time = True
        commands = [] if self._halt_reason else self.halt(why)
        for state in self._slots.values():
            if state.phase == "busy" and state.current is not None:
                if state.late_at is None:
                    commands += self._examine(state, now, f"timed out: {why}")
            elif state.phase in ("busy", "starting"):
                commands += self._kill(state)
        return commands

    def _kill(self, state: _Slot) -> list[Command]:
        state.killed_for, state.is_killed = state.current, True
        return [Kill(state.number)]
