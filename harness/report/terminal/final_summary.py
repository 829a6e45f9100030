"""The final summary of a run: the same for each console, as lines of styled text.

Owns its order and limits. Pure. The end of a log is read first, so the most important lines come last.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from rich.text import Text

from harness.protocol import naming
from harness.protocol.events import Outcome
from harness.report.formats.sql import seconds
from harness.report.model import excerpt
from harness.report.model.excerpt import DETAILED, LISTED_FROM, sql_line
from harness.report.model.phrases import (
    FLAKY,
    LABELS,
    case_headline,
    detail,
    headline,
    is_of_project,
    label,
    location,
    place,
    server_line,
    slowest,
    tally,
)
from harness.report.model.run_report import PHASES, Attempt, Case, RunReport
from harness.report.model.text import for_terminal, keep_end_lines, one_line, plural
from harness.report.model.typed_command import TypedCommand
from harness.report.model.verdict import Cause, Verdict
from harness.report.terminal.style import STYLES, ConsoleOptions, quoted

DETAILED_QUIETLY = 10
LISTED = 500
NOT_RUN_LISTED = 3
EVIDENCE_LINES = 60
OUTPUT_LINES = 20
VERBOSE_LINES = 200
STATEMENTS = 100
RERUN_LABELS = 20
OTHERS = 5
"""Lost workers that are shown besides the cause."""
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
    sql_paths: Mapping[str, str] = MappingProxyType({}),
    known: Collection[tuple[str, str]] = (),
) -> list[Text]:
    """The lines that end a run. *artifacts*: the artifacts to name; *rerun*: the command that runs the failures again; *replay*:
    the command that runs the tests of one worker up to the first failure. *sql_paths*: SQL files by test id.

    *known*: failures of other backends that were shown in full before, each as its test's id and its headline.
    """
    if options.quiet and verdict.exit_code == 0:
        return _counts(report, verdict)
    told = _told(report, known)
    blocks = [
        *_failures(told, options, sql_paths),
        _more(report, told, options),
        _one_line_each(report, told),
        _slowest(report, options),
        *(_cause(cause, options) for cause in verdict.others[:OTHERS]),
        _cause(verdict.cause, options),
        [
            *_counts(report, verdict),
            *([] if options.quiet else _times(report, options)),
            *_facts(report, options),
            *_column("artifacts", list(artifacts)),
            *_column("again", [rerun] if rerun else []),
            *_column("replay", [replay] if replay else []),
        ],
    ]
    lines: list[Text] = []
    for block in blocks:
        if block:
            lines += [Text(), *block]
    return lines


def rerun_command(command: TypedCommand, report: RunReport) -> str:
    """*command* with the red tests as labels; with their classes, their modules or its own labels, if that would be too many.

    Empty if no red test can be named by a label.
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
    """*paths* below *folder* on one line: the files at the top, then the folders."""
    names = dict.fromkeys(path if "/" not in path else f"{path.partition('/')[0]}/" for path in paths)
    listed = sorted(names, key=lambda name: name.endswith("/"))
    return [f"{folder}/: {', '.join(listed)}"] if listed else []


def sql_paths(report: RunReport, folder: str, paths: Sequence[str]) -> dict[str, str]:
    """The SQL file of each red test by test id, below *folder*, if it is one of *paths*, which were written."""
    written = set(paths)
    files = ((case.test.id, naming.sql_file(case.test.id)) for case in report.red)
    return {test: f"{folder}/{file}" for test, file in files if file in written}


def _labels(case: Case) -> tuple[str, str, str] | None:
    """The labels for *case*: of itself, its class and its module; a name that is no label is replaced by the next wider one.

    ``None`` if not even its module or its file is a label.
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
    """Whether *name* can be typed as a label: every id of a report can, unless a terminal cannot show it."""
    return name.isprintable() and _LABEL.fullmatch(name) is not None


def _without_covered(names: list[str]) -> list[str]:
    """*names* without duplicates, and without those that another name includes."""
    known = set(names)
    covered = {
        name for name in known if any(name[:end] in known for end, character in enumerate(name) if character == ".")
    }
    return [name for name in dict.fromkeys(names) if name not in covered]


# failures in full


def _told(report: RunReport, known: Collection[tuple[str, str]]) -> list[Case]:
    """The failures to show, without the *known* ones; those of fixtures first, since they keep tests from running."""
    red = sorted((case for case in report.red if case.outcome is not Outcome.NOT_RUN), key=lambda case: case.is_planned)
    return [case for case in red if (case.test.id, case_headline(case)) not in known]


def _most(told: list[Case], options: ConsoleOptions) -> int:
    """Number of failures that are shown with their frames."""
    if options.verbosity >= 2 and not options.quiet:
        return len(told)
    return DETAILED_QUIETLY if options.quiet or options.verbosity == 0 else DETAILED


def _failures(told: list[Case], options: ConsoleOptions, sql_paths: Mapping[str, str]) -> list[list[Text]]:
    return [list(_failure(case, options, sql_paths.get(case.test.id, ""))) for case in told[: _most(told, options)]]


def _more(report: RunReport, told: list[Case], options: ConsoleOptions) -> list[Text]:
    """Lines that count the failures not shown here."""
    lines = []
    if (left := len(told) - _most(told, options)) > 0:
        lines.append(Text(f"{plural(left, 'more failure')} in full: junit.xml, or here with -v 2", "dim"))
    red = sum(case.outcome is not Outcome.NOT_RUN for case in report.red)
    if red > len(told):
        lines.append(Text(f"{plural(red - len(told), 'failure')} as told of another backend above", "dim"))
    return lines


def _failure(case: Case, options: ConsoleOptions, sql_path: str) -> Iterator[Text]:
    yield Text.assemble((f"{label(case)} ", STYLES[label(case)]), (one_line(case.test.id, 1000), "bold"))
    attempts = case.red_attempts or (Attempt(1, case.outcome, 0.0, reason=case.reason),)
    is_verbose = options.verbosity >= 2
    for attempt in attempts:
        if is_verbose:
            yield Text(_circumstances(case, attempt), "dim")
            files = {frame.file for failure in attempt.failures for frame in failure.frames}
            yield from _traceback(detail(attempt), {file for file in (*files, case.test.file) if is_of_project(file)})
        else:
            yield from _briefly(case, attempt, is_last=attempt is attempts[-1])
        for name, output in (("stdout", attempt.stdout), ("stderr", attempt.stderr)):
            lines = quoted(output, VERBOSE_LINES if is_verbose else OUTPUT_LINES)
            if lines:
                yield Text(f"  {name}", "cyan")
                yield from lines
        if options.debug_sql:
            yield from _sql(attempt)
    if where := sql_line(case, sql_path):
        yield Text(f"  {where}", "dim")


_STYLES_OF_LINES = {"frame": "cyan", "folded": "dim", "error": "red"}


def _briefly(case: Case, attempt: Attempt, is_last: bool) -> Iterator[Text]:
    """*attempt* in a few lines; in one line if it failed like the last attempt."""
    if len(case.attempts) > 1:
        word = LABELS[attempt.outcome]
        is_same = not is_last and headline(attempt) == headline(case.red_attempts[-1])
        same = ", as in the last" if is_same else ""
        yield Text(f"  attempt {attempt.n} of {len(case.attempts)}: {word}{same}", "dim")
        if is_same:
            return
    for line in excerpt.lines(case, attempt):
        yield Text(f"  {for_terminal(line.text)}", _STYLES_OF_LINES[line.kind])


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
    for line in keep_end_lines(for_terminal(text), VERBOSE_LINES).split("\n"):
        frame = _FRAME.match(line)
        if frame:
            style = "bold cyan" if any(frame["file"].endswith(file) for file in files) else "dim"
        else:
            style = "" if line.startswith((" ", "Traceback ")) or not line else "red"
        yield Text.assemble("  ", (line, style))


def _sql(attempt: Attempt) -> Iterator[Text]:
    if not attempt.sql:
        return
    total = sum(statement.duration for statement in attempt.sql)
    yield Text(f"  sql: {plural(len(attempt.sql), 'statement')} in {seconds(total)}", "cyan")
    left_out = len(attempt.sql) - STATEMENTS
    if left_out > 0:
        yield Text(f"  [... {left_out} statements left out ...]", "dim")
    for statement in attempt.sql[-STATEMENTS:]:
        where = f"{seconds(statement.duration):>9}  {one_line(statement.alias)} ({one_line(statement.role)})"
        yield Text.assemble((f"  {where}  ", "dim"), one_line(statement.sql, 2000))
        if statement.parameters:
            yield Text(f"{'':11}  parameters: {one_line(statement.parameters, 1000)}", "dim")
        if statement.error:
            yield Text(f"{'':11}  {one_line(statement.error, 1000)}", "red")


# one line each


def _one_line_each(report: RunReport, told: list[Case]) -> list[Text]:
    lines = [_line(case) for case in told] if len(told) >= LISTED_FROM else []
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
    """The tests that did not run, one by one if they are few for a reason, else one line for the reason."""
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
    if options.verbosity < 1 or options.quiet:
        return []
    rows = [
        Text.assemble((f"{case.duration:8.3f}s  ", "dim"), one_line(case.test.id))
        for case in slowest(report, options.durations)
        if case.duration >= 0.001 or options.verbosity > 1
    ]
    return [Text("slowest", "cyan"), *rows] if rows else []


def _cause(cause: Cause | None, options: ConsoleOptions) -> list[Text]:
    if cause is None:
        return []
    message = for_terminal(cause.message).split("\n")
    lines = [Text.assemble((f"{cause.kind}: ", "bold red"), (message[0], "bold"))]
    lines += [Text(f"  {line}") for line in message[1:]]
    lines += [Text(f"  {line}") for line in for_terminal(cause.hint).split("\n") if line]
    return lines + quoted(cause.evidence, VERBOSE_LINES if options.verbosity >= 2 else EVIDENCE_LINES, "")


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


def _facts(report: RunReport, options: ConsoleOptions) -> list[Text]:
    seed = [] if report.seed is None else [f"{report.seed} (--shuffle={report.seed} repeats the order)"]
    servers = (
        [server_line(server) for server in report.servers] if options.verbosity >= 2 else []
    )  # else the console has printed them
    return [*_column("seed", seed), *_column("servers", servers)]


def _column(name: str, rows: list[str]) -> list[Text]:
    """*rows* with *name* before the first."""
    return [
        Text.assemble((f"{name if index == 0 else '':{_COLUMN - 1}} ", "cyan"), for_terminal(row))
        for index, row in enumerate(rows)
    ]
