"""The texts for an outcome, a failure, its excerpt and its place, the same in every report. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.protocol.events import AttemptFinished, ServerReady
from harness.protocol.results import BriefLine, Failure, Outcome, PlannedTest
from harness.report.model.run_report import Attempt, Case, Counts
from harness.report.model.text import first_line, for_terminal, keep_end_lines, one_line, plural

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
DETAILED = 20
"""The number of failures of a run that are shown with their frames by default."""
LISTED_FROM = 11
"""The number of failures from which each is also listed on a line; fewer fit on a screen."""
SUBTESTS = 3
"""The number of subTests of one test that are shown in full; the others are named."""
FAILURES = 5
"""The number of other failures of one test that are shown."""
ERROR_LINES = 40
LINE_CHARACTERS = 2000
_NESTED = "Traceback (most recent call last):"
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


def full_text(failure: Failure) -> str:
    """The traceback of *failure*; the message or the type without one."""
    return failure.traceback.strip("\n") or failure.message.strip() or summarise(failure)


def headline(attempt: Attempt | AttemptFinished) -> str:
    """The failure of *attempt*, on one line."""
    failures = attempt.failures
    if attempt.outcome is Outcome.XPASSED:
        return one_line(attempt.reason) or "unexpected success"
    if not failures:
        return one_line(attempt.reason) or _UNKNOWN
    if attempt.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT):  # the message is our own
        return first_line(failures[0].message) or _UNKNOWN
    subtests = [failure.subtest for failure in failures if failure.subtest]
    others = [summarise(failure) for failure in failures if not failure.subtest]
    parts = [f"{subtests_failed(attempt)}: {', '.join(subtests)}"] if subtests else []
    if others:
        parts.append(others[0] + (f" (and {len(others) - 1} more)" if len(others) > 1 else ""))
    return one_line("; and ".join(parts), 1000)


def subtests_failed(attempt: Attempt | AttemptFinished) -> str:
    """The number of failed subTests of *attempt* and of those that ran; empty if none failed."""
    number = sum(bool(failure.subtest) for failure in attempt.failures)
    return f"{number} of {plural(max(attempt.subtests, number), 'subTest')} failed" if number else ""


def detail(attempt: Attempt) -> str:
    """The full failure of *attempt*: every traceback, that of a subTest under its parameters.

    It is the test's own text: not yet ``visible``.
    """
    parts = []
    for failure in attempt.failures:
        head = f"subTest {one_line(failure.subtest, 1000)}\n" if failure.subtest else ""
        parts.append(head + full_text(failure))
    return "\n\n".join(parts) or attempt.reason or _UNKNOWN


def excerpt(case: Case, attempt: Attempt) -> Iterator[BriefLine]:
    """A red *attempt* in a few lines, each visible and limited in length, where ``junit.xml`` has the whole failure."""
    subtests = [failure for failure in attempt.failures if failure.subtest]
    others = [failure for failure in attempt.failures if not failure.subtest]
    shown = [line for failure in (*subtests[:SUBTESTS], *others[:FAILURES]) for line in _excerpt_of(failure)]
    shown = shown or [BriefLine(headline(attempt), "error")]
    if summary := subtests_failed(attempt):
        shown.insert(0, BriefLine(summary, "error"))
    if not any(line.kind == "frame" for line in shown) and (where := place(*location(case.test, attempt.failures))):
        shown.append(BriefLine(where, "frame"))
    if more := [failure.subtest for failure in subtests[SUBTESTS:]]:
        shown.append(BriefLine(f"... {plural(len(more), 'more subTest')}: {one_line(', '.join(more))}", "folded"))
    if (number := len(others) - FAILURES) > 0:
        shown.append(BriefLine(f"... {plural(number, 'more failure')} of this test", "folded"))
    return (BriefLine(_clipped(line.text), line.kind) for line in shown)


def sql_line(case: Case, path: str) -> str:
    """A line with the number of statements of *case* and the *path* of its SQL file; empty without a file."""
    number = sum(len(attempt.sql) for attempt in case.red_attempts)
    return f"{plural(number, 'statement')}: {path}" if number and path else ""


def case_headline(case: Case) -> str:
    """The failure of *case* on one line: that of its last red attempt, else its reason."""
    if case.outcome is Outcome.NOT_RUN:
        return f"not run: {one_line(case.reason)}" if case.reason else "not run"
    if case.red_attempts:
        return headline(case.red_attempts[-1])
    return one_line(case.reason)


def location(test: PlannedTest, failures: Sequence[Failure]) -> tuple[str, int]:
    """The place to look at: the blamed line, else the innermost frame in the test's own file, else in the project, else the
    test's definition.

    An unknown file is empty, an unknown line 0.
    """
    if failures and (blamed := failures[0].blamed) is not None:
        return blamed.file, blamed.line
    frames = failures[0].frames if failures else ()
    inside = [frame for frame in frames if is_of_project(frame.file)]
    own = [frame for frame in inside if frame.file == test.file]
    for frame in reversed(own or inside):
        return frame.file, frame.line
    return test.file, test.line


def case_location(case: Case) -> tuple[str, int]:
    """The ``location`` of the last red attempt of *case*."""
    return location(case.test, case.red_attempts[-1].failures if case.red_attempts else ())


def is_of_project(file: str) -> bool:
    """Whether a frame's *file* is below the project's root, and not installed in a ``site-packages`` there."""
    return bool(file) and not file.startswith(("/", "<")) and "site-packages/" not in file


def place(file: str, line: int) -> str:
    """``file:line``, or the file alone if the line is unknown."""
    return f"{file}:{line}" if file and line else file


def case_place(case: Case, prefix: str = "") -> str:
    """``case_location`` as ``file:line`` below *prefix*, the project's folder in its repository; empty if it is unknown."""
    file, line = case_location(case)
    return place(posixpath.join(prefix, file) if file and not file.startswith("/") else file, line)


def result(counts: Counts, total_s: float, where: str = "") -> str:
    """The result of a run: ``112 tests: 110 passed (1 flaky), 2 failed, in 3.5s``. *where* stands after the number of tests."""
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
    tally = ", ".join(f"{number} {words}" for number, words in parts if number) or "nothing ran"
    return f"{plural(counts.planned, 'test')}{where}: {tally}, in {total_s:.1f}s"


def server_line(server: ServerReady) -> str:
    """``default: postgres 17.4, primary, ready in 1.20s``."""
    role = f"replica of {server.primary}" if server.primary else server.role
    return f"{server.server}: {server.engine} {server.version}, {role}, ready in {server.ready_s:.2f}s"


def _excerpt_of(failure: Failure) -> Iterator[BriefLine]:
    if failure.subtest:
        yield BriefLine(f"subTest {one_line(failure.subtest)}", "folded")
    brief = failure.brief or (BriefLine(full_text(failure), "error"),)
    for kind, group in groupby(brief, key=lambda line: line.kind):
        if kind != "error":
            yield from group
            continue
        text = for_terminal("\n".join(line.text for line in group)).strip("\n")
        yield from (BriefLine(line, "error") for line in keep_end_lines(text, ERROR_LINES).split("\n"))


def _clipped(text: str) -> str:
    """*text* on one line, limited in length: of a long one (a page of HTML), the beginning and the end."""
    text = for_terminal(text).replace("\n", " ")
    if len(text) <= LINE_CHARACTERS:
        return text
    half = LINE_CHARACTERS // 2
    return f"{text[:half]} [... {len(text) - 2 * half:,} characters left out ...] {text[-half:]}"
