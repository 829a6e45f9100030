"""The texts for an outcome, a failure and its place, the same in every report. Pure."""

from __future__ import annotations

import posixpath

from harness.protocol.events import Failure, Outcome, ServerReady
from harness.report.model.run_report import Attempt, Case, Counts, RunReport
from harness.report.model.text import first_line, one_line, plural

LABELS = {
    Outcome.PASSED: "PASS",
    Outcome.FAILED: "FAIL",
    Outcome.ERRORED: "ERROR",
    Outcome.SKIPPED: "SKIP",
    Outcome.XFAILED: "XFAIL",
    Outcome.XPASSED: "XPASS",
    Outcome.TIMED_OUT: "TIMEOUT",
    Outcome.CRASHED: "CRASH",
    Outcome.NOT_RUN: "NOT RUN",
}
FLAKY = "FLAKY"
_OWN_WORDS = (Outcome.CRASHED, Outcome.TIMED_OUT)
_NESTED = "Traceback (most recent call last):"
SLOW_S = 5.0
"""Seconds from which a test is listed among the slowest by default."""
SLOWEST = 5
_UNKNOWN = "no details were reported"


def label(case: Case) -> str:
    """The word before a test's name: that of its outcome, or ``FLAKY``."""
    return FLAKY if case.is_flaky else LABELS[case.outcome]


def summarise(failure: Failure) -> str:
    """``Type: first line of the message``, the type without its module.

    unittest puts the whole traceback of a module that cannot be imported into a message: its last line is the reason.
    """
    name = failure.type.rpartition(".")[2] or failure.kind
    message = first_line(failure.message)
    if _NESTED in failure.message and message != _NESTED:
        message = f"{message}: {failure.message.strip().rpartition(chr(10))[2].strip()}"
    return f"{name}: {message}" if message else name


def headline(attempt: Attempt) -> str:
    """The failure of *attempt*, on one line."""
    outcome, failures = attempt.outcome, attempt.failures
    if outcome is Outcome.XPASSED:
        return one_line(attempt.reason) or "unexpected success"
    if not failures:
        return one_line(attempt.reason) or _UNKNOWN
    if outcome in _OWN_WORDS:
        return first_line(failures[0].message) or _UNKNOWN
    subtests = [failure.subtest for failure in failures if failure.subtest]
    others = [summarise(failure) for failure in failures if not failure.subtest]
    parts = []
    if subtests:
        parts.append(f"{subtests_failed(attempt)}: {', '.join(subtests)}")
    if others:
        more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
        parts.append(others[0] + more)
    return one_line("; and ".join(parts), 1000)


def subtests_failed(attempt: Attempt) -> str:
    """The number of failed subTests of *attempt* and of those that ran; empty if none failed."""
    number = sum(1 for failure in attempt.failures if failure.subtest)
    return f"{number} of {plural(max(attempt.subtests, number), 'subTest')} failed" if number else ""


def detail(attempt: Attempt) -> str:
    """The full failure of *attempt*: every traceback, that of a subTest under its parameters.

    It is the test's own text: not yet ``visible``.
    """
    parts = []
    for failure in attempt.failures:
        text = failure.traceback.strip("\n") or failure.message.strip() or summarise(failure)
        parts.append(f"subTest {one_line(failure.subtest, 1000)}\n{text}" if failure.subtest else text)
    return "\n\n".join(parts) or attempt.reason or _UNKNOWN


def case_headline(case: Case) -> str:
    """The failure of *case* on one line: that of its last red attempt, else its reason."""
    if case.outcome is Outcome.NOT_RUN:
        return f"not run: {one_line(case.reason)}" if case.reason else "not run"
    if case.red_attempts:
        return headline(case.red_attempts[-1])
    return one_line(case.reason)


def location(case: Case) -> tuple[str, int]:
    """The place to look at: the innermost frame in the test's own file, else in the project, else the test's definition.

    An unknown file is empty, an unknown line 0.
    """
    attempts = case.red_attempts
    frames = attempts[-1].failures[0].frames if attempts and attempts[-1].failures else ()
    inside = [frame for frame in frames if is_of_project(frame.file)]
    own = [frame for frame in inside if frame.file == case.test.file]
    for frame in reversed(own or inside):
        return frame.file, frame.line
    return case.test.file, case.test.line


def is_of_project(file: str) -> bool:
    """Whether a frame's *file* is below the project's root, and not installed in a ``site-packages`` there."""
    return bool(file) and not file.startswith(("/", "<")) and "site-packages/" not in file


def place(file: str, line: int) -> str:
    """``file:line``, or the file alone if the line is unknown."""
    return f"{file}:{line}" if file and line else file


def case_place(case: Case) -> str:
    """The place to look at, as ``file:line``; empty if it is unknown."""
    return place(*location(case))


def repository_place(case: Case, prefix: str) -> str:
    """``case_place`` relative to the repository's root, *prefix* being the project's folder below it."""
    file, line = location(case)
    return place(posixpath.join(prefix, file) if file and not file.startswith("/") else file, line)


def result(counts: Counts, total_s: float, where: str = "") -> str:
    """The result of a run: ``112 tests: 110 passed, 2 failed, in 3.5s``; *where* stands after the number of tests."""
    return f"{plural(counts.planned, 'test')}{where}: {tally(counts)}, in {total_s:.1f}s"


def tally(counts: Counts) -> str:
    """The counts as a phrase: ``110 passed (1 flaky), 2 failed``; zero counts are left out."""
    flaky = f" ({counts.flaky} flaky)" if counts.flaky else ""
    parts = [
        (counts.passed, f"passed{flaky}"),
        (counts.failed, "failed"),
        (counts.errors, "errors" if counts.errors > 1 else "error"),
        (counts.timed_out, "timed out"),
        (counts.crashed, "crashed"),
        (counts.unexpected_successes, "passed unexpectedly"),
        (counts.not_run, "not run"),
        (counts.skipped, "skipped"),
        (counts.expected_failures, "failed as expected"),
    ]
    return ", ".join(f"{number} {words}" for number, words in parts if number) or "nothing ran"


def slowest(report: RunReport, number: int | None) -> list[Case]:
    """The *number* slowest tests, 0 for all; for ``None`` up to five that took at least five seconds, most often none."""
    ran = sorted((case for case in report.cases if case.attempts), key=lambda case: -case.duration)
    if number is None:
        return [case for case in ran[:SLOWEST] if case.duration >= SLOW_S]
    return ran[:number] if number else ran


def server_line(server: ServerReady) -> str:
    """``default: postgres 17.4, primary, ready in 1.20s``."""
    role = f"replica of {server.primary}" if server.primary else server.role
    return f"{server.server}: {server.engine} {server.version}, {role}, ready in {server.ready_s:.2f}s"
