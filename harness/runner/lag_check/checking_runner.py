"""Runs the units of a worker whose replicas are late, and tries each test that fails again until its cause is known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from ...protocol.events import AttemptFinished, Event
from ...protocol.replica_events import LateReadJudged, ReadAfterWriteBug
from ...protocol.results import Outcome
from .. import unpatched
from ..schedule.commands import Assignment
from ..workers.worker import UnitRunner, Worker
from .body_trace import BodyTrace
from .examination import NONE_WAITS, FirstWaiting, Judgement, examine
from .statement_origin import Origins

EXAMINE_S = 120.0
"""Seconds after which a suspect is not tried again."""
LATE_S = 0.002
"""The least time, in seconds, that a read waits for a replica that is late."""
TOO_LONG = Judgement("unknown", reason=f"to try it again took longer than {EXAMINE_S:g} s")
_FAILED = frozenset({Outcome.FAILED, Outcome.ERRORED})


class CheckingRunner:
    """The runner of units that *make* makes, in trials. The worker's events reach the coordinator in the first one alone."""

    def __init__(self, worker: Worker, make: Callable[[Worker], UnitRunner]) -> None:
        self._worker = worker
        self._ended: dict[str, AttemptFinished] = {}
        self._is_first = True
        self._traced: BodyTrace | None = None
        self._origins = Origins(worker.describer)
        worker.observer = self._observe
        self._inner = make(worker)

    def run(self, assignment: Assignment) -> None:
        """Run the tests of *assignment*, and examine those that fail. Raises ``CutOff``."""
        trace = self._trace()
        self._is_first = True
        trace.begin(NONE_WAITS)
        self._inner.run(assignment)
        tests = self._worker.context.plan.tests
        for index in assignment.tests:
            ended = self._ended.pop(tests[index].id, None)
            if ended is not None and ended.outcome in _FAILED and not self._worker.is_stopped:
                self._worker.send(self._examined(Assignment(assignment.unit, (index,)), ended, trace))

    def between_tests(self) -> AbstractContextManager[None]:
        """The context in which the harness uses the connections of the tests."""
        return self._inner.between_tests()

    def end(self) -> None:
        """End fixtures of more than one unit."""
        self._inner.end()

    def _examined(self, assignment: Assignment, ended: AttemptFinished, trace: BodyTrace) -> LateReadJudged:
        self._is_first = False
        until = unpatched.time.perf_counter() + EXAMINE_S
        trials = examine(trace.candidates)
        try:
            first_waiting = next(trials)
            while unpatched.time.perf_counter() < until:
                first_waiting = trials.send(self._has_passed(assignment, ended.test, first_waiting, trace))
            judgement = TOO_LONG
        except StopIteration as decided:
            judgement = decided.value
        finally:
            self._is_first = True  # else no one would hear of an error
        return judged(judgement, ended, trace)

    def _has_passed(self, assignment: Assignment, test: str, first_waiting: FirstWaiting, trace: BodyTrace) -> bool:
        trace.begin(first_waiting)
        self._ended.pop(test, None)
        self._inner.run(assignment)
        ended = self._ended.pop(test, None)
        return ended is not None and ended.outcome is Outcome.PASSED

    def _observe(self, event: Event) -> bool:
        """Take an event of the worker. Returns whether it is to be sent."""
        if isinstance(event, AttemptFinished) and event.extra is None:
            self._ended[event.test] = event
        return self._is_first

    def _trace(self) -> BodyTrace:
        mirrors, log = self._worker.mirrors, self._worker.context.statement_log
        if self._traced is None:
            origins = self._origins
            mirrors.trace = self._traced = BodyTrace(mirrors.primaries, origins.place, origins.chooser, log.rendered)
            log.trace = self._traced.note
        return self._traced


def judged(judgement: Judgement, ended: AttemptFinished, trace: BodyTrace) -> LateReadJudged:
    """The event for *judgement* on the test that *ended* so in the first trial; *trace* is that of the last one."""
    if judgement.verdict != "bug":
        return LateReadJudged(ended.test, judgement.verdict, reason=judgement.reason)
    if judgement.read >= len(trace.reads) or (read := trace.reads[judgement.read]).waited_s < LATE_S:
        return LateReadJudged(ended.test, "unstable", reason="the read that it depends on is not late each time")
    write = trace.missed_by(read)
    arrived_s = read.at + read.waited_s - (read.at if write is None else write.at)
    bug = ReadAfterWriteBug(
        trace.traced(read),
        None if write is None else trace.traced(write),
        round(arrived_s, 6),
        next(iter(ended.failures), None),
    )
    return LateReadJudged(ended.test, "bug", bug)
