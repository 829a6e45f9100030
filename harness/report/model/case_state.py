"""The state of one test while a journal is read, and the ``Case`` made of it. Pure; ``ledger`` reads the journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.protocol.events import RunAborted
from harness.protocol.results import Outcome, PlannedTest, may_be_hit
from harness.report.model.run_report import Attempt, Case

HIT_S = 3.0
"""A test that errs at most this many seconds before a server is known to be lost was most likely hit by that."""


@dataclass(slots=True, eq=False)
class CaseState:
    """The state of one test so far. ``attempts`` are by number; ``ended_at`` is in seconds since the epoch.

    ``running``: slot, number and start of an attempt that has not ended; ``worker_end``: how the worker that ran it ended.
    """

    test: PlannedTest
    is_planned: bool
    attempts: dict[int, Attempt] = field(default_factory=dict)
    final: Outcome | None = None
    reason: str = ""
    running: tuple[int, int, float] | None = None
    worker_end: str = ""
    ended_at: float = 0.0

    def put(self, attempt: Attempt) -> None:
        """Add *attempt*, replacing one of the same number, and keep the start of that if *attempt* has none."""
        known = self.attempts.get(attempt.n)
        if known is not None and attempt.started_at is None:
            attempt = dataclasses.replace(attempt, started_at=known.started_at)
        self.attempts[attempt.n] = attempt


def case_of(state: CaseState, end: str, why_not_run: str, losses: Sequence[tuple[float, RunAborted]]) -> Case:
    """The case of a test. *end* is the journal's end, as a clause; *losses*: when each lost server was reported, and how."""
    attempts = [state.attempts[n] for n in sorted(state.attempts)]
    outcome, reason = _outcome(state, attempts[-1] if attempts else None, end, why_not_run)
    if outcome.is_red and outcome is not Outcome.NOT_RUN and not any(attempt.outcome.is_red for attempt in attempts):
        attempts.append(Attempt(len(attempts) + 1, outcome, 0.0, reason=reason))  # a red test has a red attempt
    types = [failure.type for failure in attempts[-1].failures] if attempts else []
    if types and may_be_hit(outcome, types):
        hit: dict[str, str] = {}
        for at, loss in losses:  # the host and runner both report a loss, the runner without the log
            if state.ended_at > at - HIT_S:
                hit[loss.message] = hit.get(loss.message) or loss.evidence
        attempts[-1] = _with_losses(attempts[-1], hit) if hit else attempts[-1]
    return Case(state.test, outcome, tuple(attempts), reason, state.is_planned)


def _with_losses(attempt: Attempt, losses: Mapping[str, str]) -> Attempt:
    """*attempt* with the losses of servers after its last traceback: most likely they are why it erred."""
    *others, last = attempt.failures
    texts = ["\n".join(filter(None, loss)) for loss in losses.items()]
    last = dataclasses.replace(last, traceback="\n\n".join([last.traceback, *texts]))
    return dataclasses.replace(attempt, failures=(*others, last))


def _outcome(state: CaseState, last: Attempt | None, end: str, why_not_run: str) -> tuple[Outcome, str]:
    """The final outcome of a test, whose *last* attempt is given, and the reason."""
    if state.final is not None:
        return state.final, state.reason or (why_not_run if state.final is Outcome.NOT_RUN else "")
    if last is not None and (last.outcome.is_red or not state.is_planned):
        return last.outcome, last.reason
    if state.running is not None:
        return Outcome.NOT_RUN, f"was running in slot {state.running[0]} when {state.worker_end or end}"
    if last is not None:
        return Outcome.NOT_RUN, f"attempt {last.n} ended as {last.outcome.value}, but {end} before that was settled"
    return Outcome.NOT_RUN, state.reason or why_not_run
