"""A red attempt in a few lines, for the terminal, step summaries and annotations; ``junit.xml`` has the whole failure. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from harness.protocol.events import BriefLine, Failure
from harness.report.model.phrases import full_text, headline, location, place, subtests_failed
from harness.report.model.run_report import Attempt, Case
from harness.report.model.text import for_terminal, keep_end_lines, one_line, plural

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


def lines(case: Case, attempt: Attempt) -> Iterator[BriefLine]:
    """The lines that describe a red *attempt* of *case*, each made visible and limited in length."""
    subtests = [failure for failure in attempt.failures if failure.subtest]
    others = [failure for failure in attempt.failures if not failure.subtest]
    shown = [line for failure in (*subtests[:SUBTESTS], *others[:FAILURES]) for line in _of_failure(failure)]
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


def _of_failure(failure: Failure) -> Iterator[BriefLine]:
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
