"""The summary of several backends together: ``summary.json``, the lines that end a command, Markdown, annotations.

Owns the table of differences for people and programs. Pure; ``summary``, ``final_summary`` and ``github`` have one run's
own reports.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from harness.errors import HarnessError
from harness.report.backends.differences import TITLES, Cell, Difference, differences, red_everywhere
from harness.report.backends.merge import Column, Merged
from harness.report.formats import summary
from harness.report.formats.github import annotate, briefly, fenced, plain, within
from harness.report.formats.junit import Part
from harness.report.model.phrases import case_headline, label, tally
from harness.report.model.run_report import PHASES, Case, Counts, RunReport
from harness.report.model.text import for_terminal, keep_end_lines, one_line, plural
from harness.report.model.verdict import WORDS, Verdict
from harness.report.terminal.style import STYLES, quoted

EVERYWHERE = 20
"""Tests red on every backend that are printed: each backend's own summary has shown them."""
LISTED = 50
"""Differences of one kind that are printed; ``summary.json`` has all."""
TABLE_BYTES = 100_000
MARKDOWN_BYTES = 850_000
"""Limit of the Markdown: GitHub drops a summary of more than 1 MiB entirely."""
_EVIDENCE_LINES = 30
_WORD_WIDTH = 8
_SAYS_WHY = ("fails", "skipped", "expected", "flaky")


def build(merged: Merged) -> str:
    """The text of the ``summary.json`` of several runs: the keys of one run's, and those runs themselves."""
    return json.dumps(content(merged), indent=2) + "\n"


def content(merged: Merged) -> dict[str, Any]:
    """The content of ``summary.json``, as JSON's own types. Values that differ between the runs are joined."""
    reports = [run.report for _, run in merged.runs]
    seeds = {report.seed for report in reports}
    each = [(label, run.folder, summary.content(run.report, run.verdict)) for label, run in merged.runs]
    return {
        "version": summary.VERSION,
        "verdict": merged.verdict.word,
        "exit_code": int(merged.verdict.exit_code),
        "counts": dataclasses.asdict(merged.counts),
        "phases": {
            **{name: summary.rounded(_longest(reports, name)) for name in PHASES},
            "total": summary.rounded(merged.total_s),
        },
        "servers": [{**server, "backend": label} for label, _, one in each for server in one["servers"]],
        "aliases": {f"{label}/{alias}": said for label, _, one in each for alias, said in one["aliases"].items()},
        "workers": max((report.workers for report in reports), default=0),
        "seed": seeds.pop() if len(seeds) == 1 else None,
        "python": _joined(report.python for report in reports),
        "django": _joined(report.django for report in reports),
        "backend": None,
        "settings": _joined(run.project[1] for _, run in merged.runs),
        "backends": [{**one, "backend": label, "artifacts": folder.rstrip("/") or "."} for label, folder, one in each],
        "differences": [_difference(difference) for difference in differences(merged)],
        "missing": [{"name": missing.name, "why": missing.why} for missing in merged.missing],
    }


def parts(merged: Merged) -> list[Part]:
    """The parts of the JUnit file. With a single backend, they have no label, as in that run's own file."""
    is_several = len(merged.columns) + len(merged.missing) > 1
    found = [
        Part(run.report, run.verdict, label if is_several else "", run.project[0], run.folder)
        for label, run in merged.runs
    ]
    code = merged.verdict.exit_code
    for missing in merged.missing:
        found.append(Part(RunReport(), Verdict(WORDS[code], code, missing.cause), missing.name))
    return found


def annotate_all(merged: Merged) -> list[str]:
    """Workflow commands: ten errors and ten warnings at most. A test that is red on several backends appears once."""
    first: dict[str, Case] = {}
    where: dict[str, list[str]] = {}
    for backend, run in merged.runs:
        for case in run.report.cases:
            if case.is_red or case.is_flaky:
                where.setdefault(case.test.id, []).append(backend)
                known = first.setdefault(case.test.id, case)
                first[case.test.id] = case if case.is_red and not known.is_red else known
    cases = (_renamed(case, f"{id} ({', '.join(where[id])})") for id, case in first.items())
    prefix = next((run.project[0] for _, run in merged.runs), "")
    return annotate(RunReport(cases=tuple(cases)), merged.verdict, prefix=prefix)


def _renamed(case: Case, id: str) -> Case:
    return dataclasses.replace(case, test=dataclasses.replace(case.test, id=id))


# for people


def lines(
    merged: Merged, *, artifacts: Sequence[str] = (), unwritten: Sequence[HarnessError] = (), is_quiet: bool = False
) -> list[Text]:
    """The lines that end a command: the differences, a line for each backend, the missing runs, and the verdict.

    *unwritten*: the errors that kept a report from being written. *is_quiet*: only the verdict if all is green.
    """
    if is_quiet and merged.verdict.exit_code == 0:
        return _end_lines(merged, ())
    found = differences(merged)
    blocks = [_difference_lines(kind, [one for one in found if one.kind == kind]) for kind in TITLES]
    blocks += [
        _everywhere_lines(merged),
        [*_cause_lines(merged), *_unwritten_lines(unwritten)],
        [*_backend_lines(merged), *_end_lines(merged, artifacts)],
    ]
    return [line for block in blocks if block for line in (Text(), *block)]


def markdown(merged: Merged) -> str:
    """The summary in Markdown, of less than 900 KB: ``differences.md``, and the step summary."""
    found = differences(merged)
    sections = [*_headline(merged), *_backend_table(merged)]
    for kind in TITLES:
        sections += _difference_table(kind, [one for one in found if one.kind == kind])
    sections += _everywhere_table(merged)
    if not found and len(merged.columns) > 1:
        sections.append("No test differs between the backends.\n")
    budget = MARKDOWN_BYTES - sum(len(section.encode()) + 1 for section in sections)
    return (
        "\n".join([*sections, *within(_told_once(merged), briefly, budget, "+{} more in full in junit.xml\n")]) + "\n"
    )


def _told_once(merged: Merged) -> list[Case]:
    """Each failure (test and headline) once, from the first backend that has it, whose label is added to its name."""
    seen: set[tuple[str, str]] = set()
    found = []
    for backend, run in merged.runs:
        for case in run.report.red:
            key = case.test.id, case_headline(case)
            if case.red_attempts and key not in seen:
                seen.add(key)
                found.append(_renamed(case, f"{case.test.id} ({backend})"))
    return found


def _difference_lines(kind: str, found: Sequence[Difference]) -> list[Text]:
    if not found:
        return []
    widths = [max(len(cell.label), _WORD_WIDTH) for cell in found[0].cells]
    head = "  ".join(cell.label.ljust(width) for cell, width in zip(found[0].cells, widths, strict=True))
    rows = [Text.assemble((f"{head}  ", "cyan"), (f"{TITLES[kind]} ({len(found)})", "bold"))]
    for difference in found[:LISTED]:
        row = Text()
        for cell, width in zip(difference.cells, widths, strict=True):
            row.append(f"{_shown(kind, cell).ljust(width)}  ", STYLES.get(cell.word, "dim"))
        row.append(one_line(difference.test, 1000))
        rows.append(row)
        rows += [Text(f"    {reason}", "dim") for reason in _reasons(difference)]
    if len(found) > LISTED:
        rows.append(Text(f"and {len(found) - LISTED} more, see summary.json", "dim"))
    return rows


def _everywhere_lines(merged: Merged) -> list[Text]:
    tests = red_everywhere(merged)
    if not tests or len(merged.columns) < 2:
        return []
    rows = [Text(f"red on every backend ({len(tests)})", "bold")]
    rows += [Text(f"  {one_line(test, 1000)}") for test in tests[:EVERYWHERE]]
    more = len(tests) - EVERYWHERE
    return rows + ([Text(f"and {more} more, see junit.xml", "dim")] if more > 0 else [])


def _cause_lines(merged: Merged) -> list[Text]:
    """The causes of red backends other than their tests, and the missing runs."""
    rows: list[Text] = []
    for column in merged.columns:
        if (cause := column.verdict.cause) is None:
            continue
        rows.append(Text.assemble((f"{column.label}: {cause.kind}: ", "bold red"), for_terminal(cause.message)))
        rows += [Text(f"  {line}") for line in for_terminal(cause.hint).split("\n") if line]
        rows += quoted(cause.evidence, _EVIDENCE_LINES)
    rows += [Text.assemble(("missing: ", "bold red"), f"{each.name}: {each.why}") for each in merged.missing]
    return rows


def _unwritten_lines(unwritten: Sequence[HarnessError]) -> list[Text]:
    rows = [Text.assemble(("unwritten: ", "bold red"), for_terminal(problem.message)) for problem in unwritten]
    return [*rows, *(Text(f"  {for_terminal(problem.hint)}") for problem in unwritten[:1])]


def _backend_lines(merged: Merged) -> list[Text]:
    width = max((len(column.label) for column in merged.columns), default=0)
    return [
        Text.assemble(
            (f"{column.label:{width}}  ", "cyan"),
            (f"{column.verdict.word:11} ", "green" if column.verdict.exit_code == 0 else "bold red"),
            _in_words(column),
        )
        for column in merged.columns
    ]


def _end_lines(merged: Merged, artifacts: Sequence[str]) -> list[Text]:
    verdict, counts = merged.verdict, merged.counts
    style = "bold green" if verdict.exit_code == 0 else "bold red"
    end = f"; exit code {int(verdict.exit_code)}" if verdict.exit_code else ""
    many = len(merged.columns) + len(merged.missing)
    text = (
        f"{plural(counts.planned, 'test')} on {plural(many, 'backend')}: {tally(counts)}, in {merged.total_s:.1f}s{end}"
    )
    rows = [Text.assemble((f"{verdict.word.upper():11} ", style), (text, "bold"))]
    return rows + [
        Text.assemble((f"{'artifacts' if index == 0 else '':11} ", "cyan"), for_terminal(path))
        for index, path in enumerate(artifacts)
    ]


def _in_words(column: Column) -> str:
    missing = "" if len(column.runs) == 1 else f", {len(column.runs)} parts"
    return f"{plural(column.counts.planned, 'test')}: {tally(column.counts)}, in {column.total_s:.1f}s{missing}"


def _shown(kind: str, cell: Cell) -> str:
    return f"{cell.seconds:.2f}s" if kind == "slower" and cell.outcome is not None else cell.word


def _reasons(difference: Difference) -> list[str]:
    """The reasons, each once with the backends that give it."""
    if difference.kind not in _SAYS_WHY:
        return []
    said: dict[str, list[str]] = {}
    for cell in difference.cells:
        if cell.said:
            said.setdefault(one_line(cell.said), []).append(cell.label)
    return [f"{', '.join(labels)}: {reason}" for reason, labels in said.items()]


# Markdown


def _headline(merged: Merged) -> Iterator[str]:
    verdict = merged.verdict
    mark = "✅" if verdict.exit_code == 0 else "❌"
    yield f"## {mark} harness: {verdict.word} on {plural(len(merged.columns) + len(merged.missing), 'backend')}\n"
    for column in merged.columns:
        if (cause := column.verdict.cause) is not None:
            yield f"**{plain(column.label)}: {plain(cause.kind)}**: {plain(one_line(cause.message, 2000))}\n"
            yield from (f"{plain(one_line(text, 2000))}\n" for text in (cause.hint,) if text)
            if cause.evidence:
                yield fenced(keep_end_lines(for_terminal(cause.evidence), _EVIDENCE_LINES)[: TABLE_BYTES // 20])
    yield from (f"**missing**: {plain(missing.name)}: {plain(missing.why)}\n" for missing in merged.missing)


def _backend_table(merged: Merged) -> Iterator[str]:
    columns = ("passed", "failed", "errors", "skipped", "flaky", "not run")
    yield f"| backend | verdict | tests | {' | '.join(columns)} | phases | total |"
    yield f"|---|---|---:|{'---:|' * len(columns)}---|---:|"
    for column in merged.columns:
        counts = column.counts
        numbers = (counts.planned, counts.passed, *_red(counts), counts.skipped, counts.flaky, counts.not_run)
        cells = [
            plain(column.label),
            column.verdict.word,
            *map(str, numbers),
            _phases(column),
            f"{column.total_s:.1f}s",
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _red(counts: Counts) -> tuple[int, int]:
    """The numbers of failed and erred tests; crashes and timeouts count as errors."""
    return counts.failed + counts.unexpected_successes, counts.errors + counts.crashed + counts.timed_out


def _phases(column: Column) -> str:
    reports = [run.report for run in column.runs]
    known = {phase.name for report in reports for phase in report.phases}
    return ", ".join(f"{name} {_longest(reports, name):.1f}s" for name in PHASES if name in known)


def _difference_table(kind: str, found: Sequence[Difference]) -> Iterator[str]:
    if not found:
        return
    yield f"### {TITLES[kind].capitalize()} ({len(found)})\n"
    labels = [cell.label for cell in found[0].cells]
    why = ["why"] if kind in _SAYS_WHY else []
    yield f"| test | {' | '.join(map(plain, [*labels, *why]))} |"
    yield f"|---|{'---|' * (len(labels) + len(why))}"
    blank = "| " * (len(labels) + len(why)) + "|"
    yield from within(found, _difference_row, TABLE_BYTES, "| +{} more, see summary.json " + blank)
    yield ""


def _difference_row(difference: Difference) -> str:
    cells = [one_line(difference.test), *(_shown(difference.kind, cell) for cell in difference.cells)]
    if difference.kind in _SAYS_WHY:
        cells.append("; ".join(_reasons(difference)))
    return f"| {' | '.join(map(plain, cells))} |"


def _everywhere_table(merged: Merged) -> Iterator[str]:
    tests = red_everywhere(merged)
    if not tests:
        return
    cases = [next(column.cases[test] for column in merged.columns if test in column.cases) for test in tests]
    where = "every backend" if len(merged.columns) > 1 else "this backend"
    yield f"### Red on {where} ({len(tests)})\n"
    yield "| | test | what |\n|---|---|---|"
    yield from within(
        cases,
        lambda case: f"| {label(case)} | {plain(one_line(case.test.id))} | {plain(one_line(case_headline(case)))} |",
        TABLE_BYTES,
        "| | +{} more, see junit.xml | |",
    )
    yield ""


# for programs


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind,
        "test": difference.test,
        "outcomes": _by_label(difference, lambda cell: cell.outcome.value if cell.outcome else None),
        "seconds": _by_label(difference, lambda cell: summary.rounded(cell.seconds)),
        "said": {cell.label: one_line(cell.said) for cell in difference.cells if cell.said},
    }


def _by_label(difference: Difference, value: Any) -> Mapping[str, Any]:
    return {cell.label: value(cell) for cell in difference.cells}


def _longest(reports: Sequence[RunReport], phase: str) -> float:
    return max((report.phase_seconds(phase) for report in reports), default=0.0)


def _joined(values: Any) -> str:
    return ", ".join(dict.fromkeys(filter(None, values)))
