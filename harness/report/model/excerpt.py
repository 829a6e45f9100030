"""A red attempt in a few lines: the project's frames, the error, and the path of the full record. Pure.

Owns how much of a failure is shown where room is short: on the terminal, in a step summary, in an annotation. ``junit.xml``
has the whole failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from harness.protocol.events import BriefLine, Failure
from harness.report.model.phrases import headline, location, place, subtests_failed, summarise
from harness.report.model.run_report import Attempt, Case
from harness.report.model.text import for_terminal, keep_end_lines, one_line, plural

DETAILED = 20
"""Failures of a run that are shown with their frames, unless more is asked for."""
LISTED_FROM = 11
"""From this number on, failures are also listed one per line; fewer are in sight anyway."""
SUBTESTS = 3
"""SubTests of one test that are shown in full; the others are named."""
FAILURES = 5
ERROR_LINES = 40
LINE_CHARACTERS = 2000


def lines(case: Case, attempt: Attempt) -> Iterator[BriefLine]:
    """The lines that describe a red *attempt* of *case*, each made visible and limited in length."""
    told = [line for failure in _chosen(attempt) for line in _of_failure(failure)]
    told = told or [BriefLine(headline(attempt), "error")]
    if summary := subtests_failed(attempt):
        told.insert(0, BriefLine(summary, "error"))
    if not any(line.kind == "frame" for line in told):
        where = place(*location(Case(case.test, case.outcome, (attempt,))))
        told += [BriefLine(where, "frame")] if where else []
    return (BriefLine(_clipped(line.text), line.kind) for line in [*told, *_left_out(attempt)])


def sql_line(case: Case, path: str) -> str:
    """A line with the number of statements of *case* and the *path* of its SQL file; empty without a file."""
    number = sum(len(attempt.sql) for attempt in case.red_attempts)
    return f"{plural(number, 'statement')}: {path}" if number and path else ""


def _chosen(attempt: Attempt) -> list[Failure]:
    subtests = [failure for failure in attempt.failures if failure.subtest]
    others = [failure for failure in attempt.failures if not failure.subtest]
    return [*subtests[:SUBTESTS], *others[:FAILURES]]


def _left_out(attempt: Attempt) -> Iterator[BriefLine]:
    subtests = [failure.subtest for failure in attempt.failures if failure.subtest]
    if more := subtests[SUBTESTS:]:
        yield BriefLine(f"... {plural(len(more), 'more subTest')}: {one_line(', '.join(more))}", "folded")
    if (others := len(attempt.failures) - len(subtests)) > FAILURES:
        yield BriefLine(f"... {plural(others - FAILURES, 'more failure')} of this test", "folded")


def _of_failure(failure: Failure) -> Iterator[BriefLine]:
    if failure.subtest:
        yield BriefLine(f"subTest {one_line(failure.subtest)}", "folded")
    text = failure.traceback.strip("\n") or failure.message.strip() or summarise(failure)
    made = failure.brief or tuple(BriefLine(line, "error") for line in text.split("\n"))
    for kind, group in groupby(made, key=lambda line: line.kind):
        if kind != "error":
            yield from group
            continue
        said = for_terminal("\n".join(line.text for line in group)).strip("\n")
        yield from (BriefLine(line, "error") for line in keep_end_lines(said, ERROR_LINES).split("\n"))


def _clipped(text: str) -> str:
    """*text* on one line, limited in length: of a long one (a page of HTML), the beginning and the end."""
    text = for_terminal(text).replace("\n", " ")
    if len(text) <= LINE_CHARACTERS:
        return text
    half = LINE_CHARACTERS // 2
    return f"{text[:half]} [... {len(text) - 2 * half:,} characters left out ...] {text[-half:]}"
