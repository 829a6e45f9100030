"""The one result element that a test has in JUnit. Pure; owns which element each outcome becomes."""

from __future__ import annotations

from dataclasses import dataclass

from harness.protocol.results import Outcome
from harness.report.model.phrases import case_headline, detail, full_text, headline, summarise
from harness.report.model.replicas.lag_check import FoundBug
from harness.report.model.run_report import Attempt, Case
from harness.report.model.text import one_line, visible
from harness.report.model.verdict import LATE_READS

_TYPES = {Outcome.CRASHED: "WorkerCrash", Outcome.TIMED_OUT: "TestTimeout", Outcome.XPASSED: "UnexpectedSuccess"}


@dataclass(frozen=True, slots=True)
class Result:
    """A result element: ``tag`` is ``failure``, ``error`` or ``skipped``."""

    tag: str
    type: str
    message: str
    text: str


def result_of(case: Case, late: FoundBug | None = None) -> Result | None:
    """The one result element of *case*; ``None`` for a test that passed, at the first attempt or later.

    *late* is a read of it that missed a write, if that is a failure.
    """
    outcome = case.outcome
    if outcome is Outcome.PASSED:
        return Result("failure", LATE_READS, f"{late.title} misses a write", late_text(late)) if late else None
    if outcome is Outcome.SKIPPED:
        reason = visible(case.reason).strip() or "skipped, no reason given"
        return Result("skipped", "skip", reason, reason)
    if outcome is Outcome.XFAILED:
        failures = case.attempts[-1].failures if case.attempts else ()
        message = summarise(failures[0]) if failures else one_line(case.reason) or "no reason given"
        text = detail(case.attempts[-1]) if failures else message
        return Result("skipped", "expectedFailure", f"expected failure: {message}", text)
    if outcome is Outcome.NOT_RUN:
        return Result("skipped", "not-run", case_headline(case), visible(case.reason).strip() or "not run")
    return result_of_attempt(case.red_attempts[0])


def result_of_attempt(attempt: Attempt) -> Result:
    """The ``failure`` or ``error`` element of a red attempt."""
    tag = "failure" if attempt.outcome in (Outcome.FAILED, Outcome.XPASSED) else "error"
    kind = (attempt.failures[0].type if attempt.failures else "") or "UnknownFailure"
    if any(failure.subtest for failure in attempt.failures):
        kind = "SubTestFailures"
    return Result(tag, _TYPES.get(attempt.outcome, kind), headline(attempt), detail(attempt))


def late_text(bug: FoundBug) -> str:
    """A read of a test that missed a write, in full: with how the test ends then."""
    failure = bug.first.failure
    return "\n\n".join(["Read-after-write bug: " + bug.text, *([full_text(failure)] if failure else [])])
