"""The summary of several backends together for people: the lines that end a command, and Markdown. Pure.

``final_summary`` and ``step_summary`` have one run's own reports.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from rich.text import Text

from harness.errors import HarnessError
from harness.report.backends.differences import TITLES, Cell, Difference, differences, red_everywhere
from harness.report.backends.merge import Column, Merged, Run
from harness.report.formats import markdown as md
from harness.report.formats import tables
from harness.report.formats.step_summary import lag_section, routing_section
from harness.report.formats.tables import Table
from harness.report.model.phrases import case_headline, label, result
from harness.report.model.replicas import lag_check, routing
from harness.report.model.replicas.lag_check import FoundBug, LagCheck
from harness.report.model.run_report import PHASES, Case, Counts
from harness.report.model.text import for_terminal, one_line, plural
from harness.report.terminal.final_summary import late_read_lines
from harness.report.terminal.style import STYLES, cause_lines, headed, verdict_line

EVERYWHERE = 20
"""Tests red on every backend that are printed: each backend's own summary has shown them."""
LISTED = 50
"""Differences of one kind that are printed; ``summary.json`` has all."""
TABLE_BYTES = 100_000
MARKDOWN_BYTES = 850_000
"""Limit of the Markdown: GitHub drops a summary of more than 1 MiB entirely."""
_EVIDENCE_LINES = 30
_WORD_WIDTH = 8
_WITH_REASONS = ("fails", "skipped", "expected", "flaky")


def lines(
    merged: Merged, *, artifacts: Sequence[str] = (), unwritten: Sequence[HarnessError] = (), is_quiet: bool = False
) -> list[Text]:
    """The lines that end a command: the differences, a line for each backend, the missing runs, and the verdict.

    *unwritten*: the errors that kept a report from being written. *is_quiet*: only the verdict if all is green.
    """
    end = verdict_line(merged.verdict, result(merged.counts, merged.total_s, f" on {_backends(merged)}"))
    if is_quiet and merged.verdict.exit_code == 0:
        return [end]
    blocks = [
        *(_difference_lines(kind, found) for kind, found in _by_kind(merged)),
        _everywhere_lines(merged),
        late_read_lines(bugs(merged), is_brief=True),  # each backend's own summary, and the Markdown, have more
        [*_cause_lines(merged), *_unwritten_lines(unwritten)],
        [*_backend_lines(merged), end, *_replica_lines(merged), *headed("artifacts", artifacts)],
    ]
    return [line for block in blocks if block for line in (Text(), *block)]


def markdown(merged: Merged) -> str:
    """The summary in Markdown, of less than 900 KB: ``differences.md``, and the step summary."""
    kinds = _by_kind(merged)
    sections = [md.headline(merged.verdict, f" on {_backends(merged)}"), *_causes(merged), *_backend_table(merged)]
    for kind, found in kinds:
        sections += _difference_table(kind, found)
    sections += _everywhere_table(merged)
    sections += md.late_reads(bugs(merged))
    if not kinds and len(merged.columns) > 1:
        sections.append("No test differs between the backends.\n")
    mirrored = [each for each in merged.runs if each[1].report.routing or each[1].report.lag_check]
    sections += md.within(mirrored, _replica_sections, TABLE_BYTES, "+{} more, see summary.json\n")
    budget = MARKDOWN_BYTES - sum(len(section.encode()) + 1 for section in sections)
    sections += md.within(_failures(merged), md.case_section, budget, "+{} more in full in junit.xml\n")
    return "\n".join(sections) + "\n"


def joined_check(merged: Merged) -> LagCheck | None:
    """The checks of late reads of all backends, whose labels are in the names of their tests."""
    return lag_check.joined((label, run.report.lag_check) for label, run in merged.runs if run.report.lag_check)


def bugs(merged: Merged) -> Sequence[FoundBug]:
    """The reads that missed a write on any backend."""
    found = joined_check(merged)
    return found.bugs if found else ()


def _backends(merged: Merged) -> str:
    return plural(len(merged.columns) + len(merged.missing), "backend")


def _by_kind(merged: Merged) -> list[tuple[str, list[Difference]]]:
    """The differences of each kind that has any."""
    found = differences(merged)
    kinds = [(kind, [difference for difference in found if difference.kind == kind]) for kind in TITLES]
    return [(kind, listed) for kind, listed in kinds if listed]


def _failures(merged: Merged) -> list[Case]:
    """Each failure (test and headline) once, from the first backend that has it, whose label is added to its name."""
    found: dict[tuple[str, str], Case] = {}
    for backend, run in merged.runs:
        for case in run.report.red:
            if case.red_attempts:
                found.setdefault((case.test.id, case_headline(case)), renamed(case, f"{case.test.id} ({backend})"))
    return list(found.values())


def renamed(case: Case, id: str) -> Case:
    """*case* with another *id* of its test."""
    return dataclasses.replace(case, test=dataclasses.replace(case.test, id=id))


def _shown(kind: str, cell: Cell) -> str:
    return f"{cell.seconds:.2f}s" if kind == "slower" and cell.outcome is not None else cell.word


def _reasons(difference: Difference) -> list[str]:
    """The reasons, each once with the backends that give it."""
    if difference.kind not in _WITH_REASONS:
        return []
    labels: dict[str, list[str]] = {}
    for cell in difference.cells:
        if cell.reason:
            labels.setdefault(one_line(cell.reason), []).append(cell.label)
    return [f"{', '.join(names)}: {reason}" for reason, names in labels.items()]


# lines


def _difference_lines(kind: str, found: Sequence[Difference]) -> list[Text]:
    title = Text(f"{TITLES[kind]} ({len(found)})", "bold")
    rows = [[*(Text(cell.label, "cyan") for cell in found[0].cells), title]]
    for difference in found[:LISTED]:
        words = (Text(_shown(kind, cell), STYLES.get(cell.word, "dim")) for cell in difference.cells)
        rows.append([*words, Text(one_line(difference.test, 1000))])
    columns = [*(tables.Column(width=_WORD_WIDTH) for _ in found[0].cells), tables.Column()]
    head, *listed = Table(columns, rows).lines()
    lines = [head]
    for line, difference in zip(listed, found, strict=False):
        lines += [line, *(Text(f"    {reason}", "dim") for reason in _reasons(difference))]
    return lines + _more(len(found) - LISTED, "summary.json")


def _everywhere_lines(merged: Merged) -> list[Text]:
    tests = red_everywhere(merged)
    if not tests or len(merged.columns) < 2:
        return []
    lines = [Text(f"red on every backend ({len(tests)})", "bold")]
    lines += [Text(f"  {one_line(test, 1000)}") for test in tests[:EVERYWHERE]]
    return lines + _more(len(tests) - EVERYWHERE, "junit.xml")


def _more(number: int, file: str) -> list[Text]:
    return [Text(f"and {number} more, see {file}", "dim")] if number > 0 else []


def _cause_lines(merged: Merged) -> list[Text]:
    """The causes of red backends other than their tests, and the missing runs."""
    lines: list[Text] = []
    for column in merged.columns:
        if column.verdict.cause is not None:
            lines += cause_lines(column.verdict.cause, _EVIDENCE_LINES, column.label)
    return lines + [Text.assemble(("missing: ", "bold red"), f"{each.name}: {each.why}") for each in merged.missing]


def _replica_lines(merged: Merged) -> list[Text]:
    """The routes, and the sums of the check of late reads, of each backend that has them."""
    found = [(label, run.report) for label, run in merged.runs]
    routes = [(name, routing.rows(each.routing, is_verbose=False)) for name, each in found if each.routing]
    checks = [(name, lag_check.rows(each.lag_check)) for name, each in found if each.lag_check]
    return [*headed("routing", _of_backends(routes)), *headed("lag check", _of_backends(checks))]


def _of_backends(rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """The *rows* of each backend, each once, after the names of the backends that have it."""
    labels: dict[str, list[str]] = {}
    for backend, texts in rows:
        for text in texts:
            labels.setdefault(text, []).append(backend)
    return [f"{', '.join(names)}: {text}" for text, names in labels.items()]


def _unwritten_lines(unwritten: Sequence[HarnessError]) -> list[Text]:
    lines = [Text.assemble(("unwritten: ", "bold red"), for_terminal(problem.message)) for problem in unwritten]
    return [*lines, *(Text(f"  {for_terminal(problem.hint)}") for problem in unwritten[:1])]


def _backend_lines(merged: Merged) -> list[Text]:
    rows = [
        (
            Text(column.label, "cyan"),
            Text(column.verdict.word, "green" if column.verdict.exit_code == 0 else "bold red"),
            result(column.counts, column.total_s) + (f", {len(column.runs)} parts" if len(column.runs) > 1 else ""),
        )
        for column in merged.columns
    ]
    return Table((tables.Column(), tables.Column(width=10), tables.Column()), rows).lines()


# Markdown


def _causes(merged: Merged) -> Iterator[str]:
    for column in merged.columns:
        if column.verdict.cause is not None:
            yield from md.cause_sections(column.verdict.cause, column.label)
    yield from (f"**missing**: {md.plain(missing.name)}: {md.plain(missing.why)}\n" for missing in merged.missing)


def _replica_sections(run: tuple[str, Run]) -> str:
    """The routes of a backend's run with mirrors, and its check of late reads."""
    backend, report = run[0], run[1].report
    return "\n".join([*lag_section(report.lag_check, backend), *routing_section(report.routing, backend)])


def _backend_table(merged: Merged) -> Iterator[str]:
    numbers = ("tests", "passed", "failed", "errors", "skipped", "flaky", "not run")
    columns = [
        tables.Column("backend"),
        tables.Column("verdict"),
        *(tables.Column(name, is_number=True) for name in numbers),
        tables.Column("phases"),
        tables.Column("total", is_number=True),
    ]
    rows = [
        [
            column.label,
            column.verdict.word,
            *map(str, _numbers(column.counts)),
            _phases(column),
            f"{column.total_s:.1f}s",
        ]
        for column in merged.columns
    ]
    return Table(columns, rows).markdown()


def _numbers(counts: Counts) -> tuple[int, ...]:
    """The tests and their outcomes; an unexpected success counts as failed, a crash or a timeout as an error."""
    failed, errors = counts.failed + counts.unexpected_successes, counts.errors + counts.crashed + counts.timed_out
    return counts.planned, counts.passed, failed, errors, counts.skipped, counts.flaky, counts.not_run


def _phases(column: Column) -> str:
    reports = [run.report for run in column.runs]
    known = {phase.name for report in reports for phase in report.phases}
    longest = {name: max(report.phase_seconds(name) for report in reports) for name in PHASES if name in known}
    return ", ".join(f"{name} {seconds:.1f}s" for name, seconds in longest.items())


def _difference_table(kind: str, found: Sequence[Difference]) -> Iterator[str]:
    yield f"### {TITLES[kind].capitalize()} ({len(found)})\n"
    has_reasons = kind in _WITH_REASONS
    titles = ["test", *(cell.label for cell in found[0].cells), *(["why"] if has_reasons else [])]
    rows = [
        [
            one_line(difference.test),
            *(_shown(kind, cell) for cell in difference.cells),
            *(["; ".join(_reasons(difference))] if has_reasons else []),
        ]
        for difference in found
    ]
    yield from Table([tables.Column(title) for title in titles], rows).markdown("summary.json", TABLE_BYTES)


def _everywhere_table(merged: Merged) -> Iterator[str]:
    tests = red_everywhere(merged)
    if not tests:
        return
    cases = [next(column.cases[test] for column in merged.columns if test in column.cases) for test in tests]
    rows = [(label(case), one_line(case.test.id), one_line(case_headline(case))) for case in cases]
    yield f"### Red on {'every backend' if len(merged.columns) > 1 else 'this backend'} ({len(tests)})\n"
    columns = [tables.Column(name) for name in ("outcome", "test", "failure")]
    yield from Table(columns, rows).markdown(budget=TABLE_BYTES)
