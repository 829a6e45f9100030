"""What is printed when a run has ended: the same for each console, as lines of styled text.

Owns the order and the limits of it. Pure. Last comes what a reader at the end of a log needs first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from rich.text import Text

from harness.contract import naming
from harness.contract.events import Outcome
from harness.report.runreport import PHASES, Attempt, Case, RunReport
from harness.report.sql import seconds
from harness.report.terminal import STYLES, ConsoleOptions, quoted
from harness.report.text import for_terminal, keep_end_lines, one_line, plural
from harness.report.typed import Typed
from harness.report.verdict import Cause, Verdict
from harness.report.wording import (
    FLAKY,
    LABELS,
    case_headline,
    detail,
    headline,
    is_of_project,
    label,
    location,
    place,
    server_lines,
    tally,
)

DETAILED = 50
"""Failures that are told in full, unless more is asked for."""
LISTED = 500
NOT_RUN_LISTED = 3
TRACEBACK_LINES = 200
OUTPUT_LINES = 100
STATEMENTS = 100
RERUN_LABELS = 20
OTHERS = 5
"""Lost workers that are told besides the cause."""
_COLUMN = 12
_LABEL = re.compile(r"[^\s-](.*\S)?")
_FRAME = re.compile(r'\s+File "(?P<file>.*)", line \d+')


def final_summary(
    report: RunReport,
    verdict: Verdict,
    options: ConsoleOptions,
    *,
    artifacts: Sequence[str] = (),
    rerun: str = "",
    replay: str = "",
    known: Collection[tuple[str, str]] = (),
) -> list[Text]:
    """The lines that end a run. *artifacts*: the paths to name; *rerun*: the command that runs the failures again, *replay*
    the one that runs what led to the first of them.

    *known* are failures that were told in full before, each as its test's id and its headline: those of other backends.
    """
    blocks = (
        _failures(report, options, known),
        _one_line_each(report),
        _slowest(report, options),
        *(_cause(cause) for cause in verdict.others[:OTHERS]),
        _cause(verdict.cause),
        [
            *_counts(report, verdict),
            *_times(report, options),
            *_facts(report),
            *_column("artifacts", list(artifacts)),
            *_column("again", [rerun] if rerun else []),
            *_column("replay", [replay] if replay else []),
        ],
    )
    lines: list[Text] = []
    for block in blocks:
        if block:
            lines += [Text(), *block]
    return lines


def rerun_command(command: Typed, report: RunReport) -> str:
    """*command* with what is red as labels; by class, then by module, where that would be too many, then with its own.

    Empty if nothing is red that a label can name.
    """
    labels = [found for case in report.red if (found := _labels(case))]
    names: list[str] = []
    for level in range(3):
        names = _without_covered([found[level] for found in labels])
        if len(names) <= RERUN_LABELS:
            break
    if not names:
        return ""
    return command.with_labels(names if len(names) <= RERUN_LABELS else command.labels)


def condensed(folder: str, paths: Sequence[str]) -> list[str]:
    """*paths* below *folder* as a reader wants them: files of the top each, those of a folder as one line."""
    top = [f"{folder}/{path}" for path in paths if "/" not in path]
    below: dict[str, int] = {}
    for path in paths:
        if "/" in path:
            name = path.partition("/")[0]
            below[name] = below.get(name, 0) + 1
    return [*top, *(f"{folder}/{name}/ ({plural(number, 'file')})" for name, number in below.items())]


def _labels(case: Case) -> tuple[str, str, str] | None:
    """What names *case* on the command line: itself, its class, its module; the nearest of these that a label can name.

    ``None`` if there is nothing that can.
    """
    test = case.test
    if test.classname.startswith("unittest.loader."):  # a module that could not be imported
        ways = [test.name] * 3
    elif not case.is_planned and test.name.endswith("Module"):
        ways = [test.classname] * 3
    else:
        ways = [test.id if case.is_planned else test.classname, test.classname, test.classname.rpartition(".")[0]]
    ways.append(test.file.removesuffix(".py").replace("/", "."))
    found = [next((way for way in ways[level:] if _is_label(way)), "") for level in range(3)]
    return (found[0], found[1], found[2]) if found[2] else None


def _is_label(name: str) -> bool:
    """Whether *name* can be typed as a label: every id of a report is one, unless a terminal cannot show it."""
    return name.isprintable() and _LABEL.fullmatch(name) is not None


def _without_covered(names: list[str]) -> list[str]:
    """*names* once each, without those that another one already means."""
    known = set(names)
    covered = {
        name for name in known if any(name[:end] in known for end, character in enumerate(name) if character == ".")
    }
    return [name for name in dict.fromkeys(names) if name not in covered]


# failures in full


def _failures(report: RunReport, options: ConsoleOptions, known: Collection[tuple[str, str]]) -> list[Text]:
    red = [case for case in report.red if case.outcome is not Outcome.NOT_RUN]
    told = [case for case in red if (case.test.id, case_headline(case)) not in known]
    if not told:
        return []
    limit = DETAILED if options.verbosity < 2 else len(told)
    lines = [_rule("failures", options)]
    for case in told[:limit]:
        lines += [Text(), *_failure(case, options)]
    if len(told) > limit:
        text = f"{plural(len(told) - limit, 'more failure')} in full: junit.xml, or here with -v 2"
        lines += [Text(), Text(text, "dim")]
    if len(red) > len(told):
        lines += [Text(), Text(f"{plural(len(red) - len(told), 'failure')} as told of another backend above", "dim")]
    return lines


def _failure(case: Case, options: ConsoleOptions) -> Iterator[Text]:
    yield Text.assemble((f"{label(case)} ", STYLES[label(case)]), (one_line(case.test.id, 1000), "bold"))
    for index, attempt in enumerate(case.red_attempts or (Attempt(1, case.outcome, 0.0, reason=case.reason),)):
        if index:
            yield Text()
        yield Text(_circumstances(case, attempt), "dim")
        files = {frame.file for failure in attempt.failures for frame in failure.frames}
        yield from _traceback(detail(attempt), {file for file in (*files, case.test.file) if is_of_project(file)})
        for name, output in (("stdout", attempt.stdout), ("stderr", attempt.stderr)):
            lines = quoted(output, OUTPUT_LINES)
            if lines:
                yield Text(f"  {name}", "cyan")
                yield from lines
        if options.debug_sql:
            yield from _sql(case, attempt)


def _circumstances(case: Case, attempt: Attempt) -> str:
    total = len(case.attempts)
    parts = [f"attempt {attempt.n} of {total}: {LABELS[attempt.outcome]}"] if total > 1 else []
    parts.append(f"{attempt.duration:.3f}s")
    if attempt.slot:
        parts.append(f"slot {attempt.slot}")
    where = place(*location(Case(case.test, case.outcome, (attempt,))))
    return "  " + ", ".join([*parts, where] if where else parts)


def _traceback(text: str, files: set[str]) -> Iterator[Text]:
    """The lines of a traceback; frames in *files*, the project's own, stand out."""
    for line in keep_end_lines(for_terminal(text), TRACEBACK_LINES).split("\n"):
        frame = _FRAME.match(line)
        if frame:
            style = "bold cyan" if any(frame["file"].endswith(file) for file in files) else "dim"
        else:
            style = "" if line.startswith((" ", "Traceback ")) or not line else "red"
        yield Text.assemble("  ", (line, style))


def _sql(case: Case, attempt: Attempt) -> Iterator[Text]:
    if not attempt.sql:
        return
    total = sum(statement.duration for statement in attempt.sql)
    head = f"  sql: {plural(len(attempt.sql), 'statement')} in {seconds(total)}, {naming.sql_file(case.test.id)}"
    yield Text(head, "cyan")
    left_out = len(attempt.sql) - STATEMENTS
    if left_out > 0:
        yield Text(f"  [... {left_out} statements left out ...]", "dim")
    for statement in attempt.sql[-STATEMENTS:]:
        where = f"{seconds(statement.duration):>9}  {one_line(statement.alias)} ({one_line(statement.role)})"
        yield Text.assemble((f"  {where}  ", "dim"), one_line(statement.sql, 2000))
        if statement.error:
            yield Text(f"{'':11}  {one_line(statement.error, 1000)}", "red")


# one line each


def _one_line_each(report: RunReport) -> list[Text]:
    lines = [_line(case) for case in report.red if case.outcome is not Outcome.NOT_RUN]
    lines += _not_run(report)
    lines += [_line(case) for case in report.flaky]
    if len(lines) > LISTED:
        lines = [*lines[:LISTED], Text(f"and {len(lines) - LISTED} more, see junit.xml", "dim")]
    return lines


def _line(case: Case) -> Text:
    word = label(case)
    line = Text.assemble((f"{word} ", STYLES[word]), one_line(case.test.id, 1000))
    if word == FLAKY:
        attempt = case.red_attempts[-1]
        said = f"attempt {attempt.n} of {len(case.attempts)}: {headline(attempt)}"
    else:
        said = case.reason if case.outcome is Outcome.NOT_RUN else case_headline(case)
    line.append(f" - {one_line(said)}")
    if where := place(*location(case)):
        line.append(f" ({where})", "dim")
    return line


def _not_run(report: RunReport) -> list[Text]:
    """Tests that did not run, one by one if they are few, else by their reason."""
    by_reason: dict[str, list[Case]] = {}
    for case in report.red:
        if case.outcome is Outcome.NOT_RUN:
            by_reason.setdefault(case.reason, []).append(case)
    lines: list[Text] = []
    for reason, cases in by_reason.items():
        if len(cases) <= NOT_RUN_LISTED:
            lines += [_line(case) for case in cases]
            continue
        word = LABELS[Outcome.NOT_RUN]
        text = f"{len(cases)} tests, {one_line(cases[0].test.id)} the first of them - {one_line(reason)}"
        lines.append(Text.assemble((f"{word} ", STYLES[word]), text))
    return lines


# the rest


def _slowest(report: RunReport, options: ConsoleOptions) -> list[Text]:
    if options.verbosity < 1:
        return []
    ran = sorted((case for case in report.cases if case.attempts), key=lambda case: -case.duration)
    shown = [case for case in ran if case.duration >= 0.001 or options.verbosity > 1]
    shown = shown[: options.durations] if options.durations else shown
    if not shown:
        return []
    rows = [Text.assemble((f"{case.duration:8.3f}s  ", "dim"), one_line(case.test.id)) for case in shown]
    return [Text("slowest", "cyan"), *rows]


def _cause(cause: Cause | None) -> list[Text]:
    if cause is None:
        return []
    message = for_terminal(cause.message).split("\n")
    lines = [Text.assemble((f"{cause.kind}: ", "bold red"), (message[0], "bold"))]
    lines += [Text(f"  {line}") for line in message[1:]]
    lines += [Text(f"  {line}") for line in for_terminal(cause.hint).split("\n") if line]
    return lines + quoted(cause.evidence, TRACEBACK_LINES, "")


def _counts(report: RunReport, verdict: Verdict) -> list[Text]:
    counts = report.counts()
    style = "bold green" if verdict.exit_code == 0 else "bold red"
    text = f"{plural(counts.planned, 'test')}: {tally(counts)}, in {report.total_s:.1f}s"
    end = f"; exit code {int(verdict.exit_code)}" if verdict.exit_code else ""
    return [Text.assemble((f"{verdict.word.upper():{_COLUMN - 1}} ", style), (text + end, "bold"))]


def _times(report: RunReport, options: ConsoleOptions) -> list[Text]:
    known = {phase.name: phase for phase in report.phases}
    names = [*(name for name in PHASES if name in known), *(name for name in known if name not in PHASES)]
    if not names:
        return []
    if not options.timing:
        return _column("time", [", ".join(f"{name} {known[name].seconds:.1f}s" for name in names)])
    rows = [
        f"{name:10}{known[name].seconds:9.3f}s{'' if known[name].is_finished else '  (not finished)'}" for name in names
    ]
    if report.recycles:
        rows.append(f"{'recycled':10}{report.recycle_s:9.3f}s  {plural(report.recycles, 'slot')}, within tests")
    return _column("time", [*rows, f"{'total':10}{report.total_s:9.3f}s"])


def _facts(report: RunReport) -> list[Text]:
    seed = [] if report.seed is None else [f"{report.seed} (--shuffle={report.seed} repeats the order)"]
    return [*_column("seed", seed), *_column("servers", server_lines(report))]


def _column(name: str, rows: list[str]) -> list[Text]:
    """*rows* with *name* before the first."""
    return [
        Text.assemble((f"{name if index == 0 else '':{_COLUMN - 1}} ", "cyan"), for_terminal(row))
        for index, row in enumerate(rows)
    ]


def _rule(title: str, options: ConsoleOptions) -> Text:
    width = min(options.width or 100, 100)
    return Text(f"─── {title} ".ljust(width, "─"), "bold")
