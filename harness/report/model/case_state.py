"""The state of one test while a journal is read, and the ``Case`` made of it. Pure; ``ledger`` reads the journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.protocol.events import Outcome, PlannedTest
from harness.report.model.run_report import Attempt, Case

HIT_S = 3.0
"""A test that errs at most this many seconds before a server is known to be lost was most likely hit by that."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A lost server: when the loss was reported, in seconds since the epoch, the message, and the end of its log."""

    at: float
    message: str
    evidence: str


@dataclass(slots=True, eq=False)
class CaseState:
    """The state of one test so far. ``running``: slot, attempt and start of an attempt that has not ended."""

    test: PlannedTest
    is_planned: bool
    attempts: list[Attempt] = field(default_factory=list)
    final: Outcome | None = None
    reason: str = ""
    running: tuple[int, int, float] | None = None
    worker_end: str = ""  # how the worker that ran it ended
    ended_at: float = 0.0

    def put(self, attempt: Attempt) -> None:
        """Add *attempt*, replacing one of the same number, and keep the start of that if *attempt* has none."""
        if not self.attempts:
            self.attempts.append(attempt)
            return
        for other in self.attempts:
            if other.n == attempt.n and attempt.started_at is None:
                attempt = dataclasses.replace(attempt, started_at=other.started_at)
        self.attempts = [other for other in self.attempts if other.n != attempt.n]
        self.attempts.append(attempt)
        self.attempts.sort(key=lambda other: other.n)


def case_of(state: CaseState, end: str, why_not_run: str, losses: Sequence[Loss]) -> Case:
    """The case of a test. *end* is the journal's end, as a clause; *losses* are the lost servers."""
    outcome, reason = _settled(state, end, why_not_run)
    attempts = tuple(state.attempts)
    if outcome is Outcome.ERRORED and attempts and attempts[-1].failures:
        hit: dict[str, str] = {}
        for loss in losses:  # the host and runner both report a loss, the runner without the log
            if state.ended_at > loss.at - HIT_S:
                hit[loss.message] = hit.get(loss.message) or loss.evidence
        attempts = (*attempts[:-1], _with_losses(attempts[-1], hit)) if hit else attempts
    return Case(state.test, outcome, attempts, reason, state.is_planned)


def _with_losses(attempt: Attempt, losses: Mapping[str, str]) -> Attempt:
    """*attempt* with the losses of servers after its last traceback: most likely they are why it erred."""
    *others, last = attempt.failures
    texts = ["\n".join(filter(None, loss)) for loss in losses.items()]
    told = dataclasses.replace(last, traceback="\n\n".join([last.traceback, *texts]))
    return dataclasses.replace(attempt, failures=(*others, told))


def with_files(fixtures: list[Case], planned: list[Case]) -> list[Case]:
    """*fixtures*; one without a file gets the file of its class's tests."""
    if not fixtures:
        return []
    files = {case.test.classname: case.test.file for case in planned}
    return [
        case
        if case.test.file
        else dataclasses.replace(case, test=dataclasses.replace(case.test, file=files.get(case.test.classname, "")))
        for case in fixtures
    ]


def _settled(state: CaseState, end: str, why_not_run: str) -> tuple[Outcome, str]:
    """The final outcome of a test and its reason."""
    if state.final is not None:
        return state.final, state.reason or (why_not_run if state.final is Outcome.NOT_RUN else "")
    last = state.attempts[-1] if state.attempts else None
    if last is not None and (last.outcome.is_red or not state.is_planned):
        return last.outcome, last.reason
    if state.running is not None:
        return Outcome.NOT_RUN, f"was running in slot {state.running[0]} when {state.worker_end or end}"
    if last is not None:
        return Outcome.NOT_RUN, f"attempt {last.n} ended as {last.outcome.value}, but {end} before that was settled"
    return Outcome.NOT_RUN, state.reason or why_not_run
