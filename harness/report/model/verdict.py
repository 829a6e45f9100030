"""The verdict of a run: one word, one exit code, and the cause if it is not in the tests.

Pure. The exit codes and their weights are those of ``harness.errors``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.errors import ExitCode, HarnessError, worst
from harness.report.model.run_report import RunReport
from harness.report.model.text import one_line, plural

WORDS = dict.fromkeys(ExitCode, "aborted") | {
    ExitCode.GREEN: "passed",
    ExitCode.TESTS_FAILED: "failed",
    ExitCode.NO_TESTS: "no-tests",
    ExitCode.SIGINT: "interrupted",
    ExitCode.SIGTERM: "interrupted",
}
_ABORTS = {
    ExitCode.USAGE: "UsageError",
    ExitCode.SERVERS: "ServerError",
    ExitCode.PROJECT: "ProjectError",
    ExitCode.NO_TESTS: "NoTests",
    ExitCode.SIGINT: "Interrupted",
    ExitCode.SIGTERM: "Interrupted",
}
LATE_READS = "ReadAfterWrite"
"""The kind of the cause of reads that missed a write."""
_BUG = "Please report it. Tests that it had not run yet ran in another worker."
_LEFT_BEHIND = (
    "A test may have left something behind that did it: an exit handler, a thread, a library that ends its process."
)


@dataclass(frozen=True, slots=True)
class Cause:
    """The reason why a run is red apart from its tests' outcomes. ``kind`` is a stable word; the rest as in ``HarnessError``."""

    kind: str
    message: str
    hint: str = ""
    evidence: str = ""

    @property
    def text(self) -> str:
        """Message, hint and evidence, separated by empty lines."""
        return "\n\n".join(part for part in (self.message, self.hint, self.evidence) if part)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a run. ``word`` is ``passed``, ``failed``, ``no-tests``, ``aborted`` or ``interrupted``. ``lost`` has the
    causes of workers that ended unexpectedly, if no test's outcome shows it.
    """

    word: str
    exit_code: ExitCode
    cause: Cause | None = None
    lost: tuple[Cause, ...] = ()

    @property
    def others(self) -> tuple[Cause, ...]:
        """The causes in ``lost`` other than ``cause``."""
        return tuple(cause for cause in self.lost if cause is not self.cause)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """``cause`` and the others; empty if the tests alone make the run red."""
        return (self.cause, *self.others) if self.cause is not None else ()


def verdict(report: RunReport, *, fail_on_flaky: bool = False) -> Verdict:
    """The verdict of *report*. A run with neither an end nor an abort is never green."""
    lost = list(_of_lost(report))
    found = [*_of_end(report), *lost, *_of_tests(report, fail_on_flaky)]
    code = worst(*(code for code, _ in found))
    causes = [cause for found_code, cause in found if found_code == code] + [cause for _, cause in found]
    cause = next((cause for cause in causes if cause is not None), None)
    return Verdict(WORDS[code], code, cause, tuple(cause for _, cause in lost))


def with_unwritten(found: Verdict, problems: Sequence[HarnessError]) -> Verdict:
    """*found*, or the verdict after *problems* with writing reports: never green if there are any."""
    if not problems:
        return found
    first = problems[0]
    code = worst(found.exit_code, *(problem.exit_code for problem in problems))
    if found.cause is not None and code == found.exit_code:
        evidence = [found.cause.evidence, *(problem.message for problem in problems)]
        cause = replace(found.cause, evidence="\n".join(filter(None, evidence)))
        return replace(found, cause=cause, lost=found.others)
    others = "\n".join(problem.message for problem in problems[1:])
    cause = Cause(_ABORTS.get(first.exit_code, "InternalError"), first.message, first.hint, others or first.evidence)
    return replace(found, word=WORDS[code], exit_code=code, cause=cause)


def _of_end(report: RunReport) -> Iterator[tuple[ExitCode, Cause]]:
    if report.abort is not None:
        # a run that is well is never aborted: an abort with exit code 0 is a bug of ours
        code = report.abort.exit_code or ExitCode.INTERNAL
        kind = _ABORTS.get(code, "InternalError")
        hint = " ".join(filter(None, [*report.left_behind, report.abort.hint]))
        yield code, Cause(kind, report.abort.message, hint, report.abort.evidence)
    elif not report.is_finished:
        cause = Cause(
            "InternalError",
            "the runner ended unexpectedly: the journal holds neither the run's end nor a reason why there is none",
            hint="The runner may have been killed (out of memory?): see its log, and the end of journal.ndjson.",
            evidence=report.last_events,
        )
        yield ExitCode.INTERNAL, cause


def _of_lost(report: RunReport) -> Iterator[tuple[ExitCode, Cause]]:
    """The lost workers whose end no test's outcome shows: each makes the run red, whether project or harness is at fault."""
    for lost in report.lost:
        message, evidence = f"{lost.message} {lost.event.message}", lost.event.evidence
        if lost.event.fault == "harness":
            yield ExitCode.INTERNAL, Cause("InternalError", message, _BUG, evidence)
        elif lost.event.fault:
            yield ExitCode.TESTS_FAILED, Cause("WorkerLost", message, _LEFT_BEHIND, evidence)


def _of_tests(report: RunReport, fail_on_flaky: bool) -> Iterator[tuple[ExitCode, Cause | None]]:
    flaky = report.flaky
    if report.red:
        yield ExitCode.TESTS_FAILED, _not_run(report)
    elif flaky and fail_on_flaky:
        ids = "\n".join(case.test.id for case in flaky)
        yield ExitCode.TESTS_FAILED, Cause("FlakyTests", plural(len(flaky), "flaky test"), evidence=ids)
    elif report.tally:
        cause = Cause(
            "RunnerFailed",
            f"the project's own test runner counted {plural(report.tally, 'failure')}, though no test is red",
            hint="Its suite_result() or run_tests() adds failures of its own: 'manage.py test' would fail too.",
        )
        yield ExitCode.TESTS_FAILED, cause
    elif report.is_finished and not report.cases:
        hint = "Check the labels, tags, -k and --pattern of the command."
        if not report.is_planned:
            hint = "The project's own test runner returned without building a suite: see its run_tests()."
        unseen = [notice.text for notice in report.notices if notice.code == "not-discovered"]
        yield ExitCode.NO_TESTS, Cause("NoTests", "no tests ran", hint=" ".join(unseen) or hint)
    if report.fails_on_lag:
        bugs, late = report.late_reads, report.lag_check.failing if report.lag_check else {}
        message = (
            f"{plural(len(bugs), 'read-after-write bug')} in {plural(len(late), 'test')}, and --fail-on-lag is set"
        )
        places = "\n".join(f"{bug.title}: {bug.named()}" for bug in bugs)
        yield ExitCode.TESTS_FAILED, Cause(LATE_READS, message, evidence=places)


def _not_run(report: RunReport) -> Cause | None:
    """The cause of a run in which tests that did not run are all that is red; ``None`` for any other."""
    if report.failures:
        return None
    reasons = list(report.not_run)
    more = f" (and {len(reasons) - 1} more reasons)" if len(reasons) > 1 else ""
    return Cause(
        "NotRun",
        f"{plural(len(report.red), 'test')} did not run: {one_line(reasons[0])}{more}",
        evidence="\n".join(reasons[:50]) if len(reasons) > 1 else "",
    )
