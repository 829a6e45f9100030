"""Tries each test of a worker that is assigned to it, with replicas that are late, until the cause of its failure is known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from ...protocol.events import AttemptFinished, Event
from ...protocol.replica_events import LateReadJudged, ReadAfterWriteBug
from ...protocol.results import Failure, Outcome
from .. import unpatched
from ..schedule.commands import Assignment
from ..workers.worker import UnitRunner, Worker
from .body_trace import BodyTrace
from .examination import Judgement, Trial, examine
from .statement_origin import Origins

EXAMINE_S = 120.0
"""Seconds after which a suspect is not tried again."""
LATE_S = 0.002
"""The least time, in seconds, that a read waits for a replica that is late."""
TOO_LONG = Judgement("unknown", reason=f"to try it again took longer than {EXAMINE_S:g} s")


class CheckingRunner:
    """Examines suspects by the runner of units that *make* makes, whose events no coordinator gets: each trial is one run."""

    def __init__(self, worker: Worker, make: Callable[[Worker], UnitRunner]) -> None:
        self._worker = worker
        self._origins = Origins(worker.describer)
        self._traced: BodyTrace | None = None
        self._ended: AttemptFinished | None = None
        self._failure: Failure | None = None
        self._inner = make(worker)

    def run(self, assignment: Assignment) -> None:
        """Examine the tests of *assignment*. Raises ``CutOff``."""
        trace, tests = self._trace(), self._worker.context.plan.tests
        for index in assignment.tests:
            if self._worker.is_stopped:
                break
            self._failure = None
            self._worker.attempts.begin(tests[index].id, assignment.n)
            self._worker.observer = self._observe
            try:
                judgement = self._examined(Assignment(assignment.unit, (index,)), trace)
            finally:
                self._worker.observer = None
            self._worker.attempts.leave_out(tests[index].id, assignment.n, Outcome.PASSED, "")
            self._worker.send(judged(tests[index].id, judgement, trace, self._failure))

    def between_tests(self) -> AbstractContextManager[None]:
        """The context in which the harness uses the connections of the tests."""
        return self._inner.between_tests()

    def end(self) -> None:
        """End fixtures of more than one unit."""
        self._inner.end()

    def _examined(self, assignment: Assignment, trace: BodyTrace) -> Judgement:
        until = unpatched.time.perf_counter() + EXAMINE_S
        trials = examine(trace.candidates)
        try:
            trial = next(trials)
            while unpatched.time.perf_counter() < until:
                trial = trials.send(self._has_passed(assignment, trial, trace))
        except StopIteration as decided:
            judgement: Judgement = decided.value
            return judgement
        return TOO_LONG

    def _has_passed(self, assignment: Assignment, trial: Trial, trace: BodyTrace) -> bool:
        trace.begin(trial)
        self._ended = None
        self._inner.run(assignment)
        if self._ended is not None and self._ended.failures:
            self._failure = self._ended.failures[0]
        return self._ended is not None and self._ended.outcome is Outcome.PASSED

    def _observe(self, event: Event) -> bool:
        """Take an event of a trial. Returns whether it is to be sent."""
        if isinstance(event, AttemptFinished) and event.extra is None:
            self._ended = event
        return False

    def _trace(self) -> BodyTrace:
        mirrors, log = self._worker.mirrors, self._worker.context.statement_log
        if self._traced is None:
            origins = self._origins
            mirrors.trace = self._traced = BodyTrace(mirrors.primaries, origins.place, origins.chooser, log.rendered)
            log.trace = self._traced.note
        return self._traced


def judged(test: str, judgement: Judgement, trace: BodyTrace, failure: Failure | None) -> LateReadJudged:
    """The event for *judgement* on *test*, which fails with *failure*; *trace* is that of its last trial."""
    if judgement.verdict != "bug":
        return LateReadJudged(test, judgement.verdict, reason=judgement.reason)
    if judgement.read >= len(trace.reads) or (read := trace.reads[judgement.read]).waited_s < LATE_S:
        return LateReadJudged(test, "unstable", reason="the read that it depends on is not late each time")
    write = trace.missed_by(read)
    arrived_s = read.at + read.waited_s - (read.at if write is None else write.at)
    bug = ReadAfterWriteBug(
        trace.traced(read), None if write is None else trace.traced(write), round(arrived_s, 6), failure
    )
    return LateReadJudged(test, "bug", bug)
