"""The final summary of a run, as lines of styled text.

Owns its order and limits. Pure. The end of a log is read first, so the most important lines come last.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from rich.text import Text

from harness.protocol.results import Outcome
from harness.report.formats.sql import seconds
from harness.report.formats.tables import phase_times, slowest_tests, waiting_times
from harness.report.model import phrases
from harness.report.model.phrases import case_headline, case_place, headline, label
from harness.report.model.replicas import lag_check, routing
from harness.report.model.replicas.lag_check import FoundBug
from harness.report.model.run_report import Attempt, Case, RunReport
from harness.report.model.text import for_terminal, keep_end_lines, one_line, plural
from harness.report.model.verdict import Verdict
from harness.report.terminal.style import STYLES, ConsoleOptions, cause_lines, headed, quoted, verdict_line

DETAILED_QUIETLY = 10
LISTED = 500
NOT_RUN_LISTED = 3
EVIDENCE_LINES = 60
OUTPUT_LINES = 20
VERBOSE_LINES = 200
STATEMENTS = 100
OTHERS = 5
"""Lost workers that are shown besides the cause."""
VERBOSE_TESTS = 20
"""Tests that a read that missed a write names at most."""
ADVISED = 5
"""Pieces of advice that are shown."""
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

    *known*: failures of other backends that were shown in full before, each as its test's id and its headline, and their
    advice, each as its code and its text.
    """
    if options.quiet and verdict.exit_code == 0:
        found = [report.lag_check] if report.lag_check and report.late_reads else []
        return [_end(report, verdict), *headed("lag check", map(lag_check.sum_line, found))]
    # failures of fixtures come first, since they keep tests from running
    failures = sorted(report.failures, key=lambda case: case.is_planned)
    shown = [case for case in failures if (case.test.id, case_headline(case)) not in known]
    most = _most_in_full(len(shown), options)
    evidence = VERBOSE_LINES if options.verbosity >= 2 else EVIDENCE_LINES
    blocks = [
        *(list(_failure(case, options, sql_paths.get(case.test.id, ""))) for case in shown[:most]),
        _more(len(shown) - most, len(failures) - len(shown)),
        _one_line_each(report, shown),
        late_read_lines(report.late_reads, is_verbose=options.verbosity >= 2),
        _slowest(report, options),
        _of_plugins(report, options),
        *(cause_lines(cause, evidence) for cause in verdict.others[:OTHERS]),
        cause_lines(verdict.cause, evidence) if verdict.cause is not None else [],
        [
            _end(report, verdict),
            *([] if options.quiet else _times(report, options)),
            *_facts(report, options),
            *([] if options.quiet else headed("advice", _advice(report, known))),
            *headed("artifacts", artifacts),
            *headed("again", filter(None, [rerun])),
            *headed("replay", filter(None, [replay])),
        ],
    ]
    return [line for block in blocks if block for line in (Text(), *block)]


def _end(report: RunReport, verdict: Verdict) -> Text:
    return verdict_line(verdict, phrases.result(report.counts(), report.total_s))


# failures in full


def _most_in_full(failures: int, options: ConsoleOptions) -> int:
    if options.quiet or options.verbosity == 0:
        return DETAILED_QUIETLY
    return failures if options.verbosity >= 2 else phrases.DETAILED


def _more(left_out: int, elsewhere: int) -> list[Text]:
    """Lines that count the failures that were *left_out*, and those that another backend's summary has shown *elsewhere*."""
    lines = [f"{plural(left_out, 'more failure')} in full: junit.xml, or here with -v 2"] if left_out > 0 else []
    lines += [f"{plural(elsewhere, 'failure')} shown above for another backend"] if elsewhere else []
    return [Text(line, "dim") for line in lines]


def _failure(case: Case, options: ConsoleOptions, sql_path: str) -> Iterator[Text]:
    yield Text.assemble((f"{label(case)} ", STYLES[label(case)]), (one_line(case.test.id, 1000), "bold"))
    is_verbose = options.verbosity >= 2
    for attempt in case.red_attempts:
        if is_verbose:
            yield Text(_circumstances(case, attempt), "dim")
            frames = [frame.file for failure in attempt.failures for frame in failure.frames]
            files = set(filter(phrases.is_of_project, [*frames, case.test.file]))
            yield from _traceback(phrases.detail(attempt), files)
        else:
            yield from _briefly(case, attempt)
        for name, output in (("stdout", attempt.stdout), ("stderr", attempt.stderr), ("log", attempt.log)):
            if lines := quoted(output, VERBOSE_LINES if is_verbose else OUTPUT_LINES):
                yield Text(f"  {name}", "cyan")
                yield from lines
        if options.debug_sql and attempt.sql:
            yield from _sql(attempt)
    if where := phrases.sql_line(case, sql_path):
        yield Text(f"  {where}", "dim")


_STYLES_OF_LINES = {"frame": "cyan", "folded": "dim", "error": "red"}


def _briefly(case: Case, attempt: Attempt) -> Iterator[Text]:
    """*attempt* in a few lines; in one line if it failed like the last attempt."""
    if len(case.attempts) > 1:
        last = case.red_attempts[-1]
        is_same = attempt is not last and headline(attempt) == headline(last)
        yield Text(f"  {_numbered(case, attempt)}{', as in the last' if is_same else ''}", "dim")
        if is_same:
            return
    for line in phrases.excerpt(case, attempt):
        yield Text(f"  {for_terminal(line.text)}", _STYLES_OF_LINES[line.kind])


def _circumstances(case: Case, attempt: Attempt) -> str:
    attempts = _numbered(case, attempt) if len(case.attempts) > 1 else ""
    slot = f"slot {attempt.slot}" if attempt.slot else ""
    where = phrases.place(*phrases.location(case.test, attempt.failures))
    return "  " + ", ".join(filter(None, [attempts, f"{attempt.duration:.3f}s", slot, where]))


def _numbered(case: Case, attempt: Attempt) -> str:
    return f"attempt {attempt.n} of {len(case.attempts)}: {phrases.LABELS[attempt.outcome]}"


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


def late_read_lines(bugs: Sequence[FoundBug], *, is_verbose: bool = False, is_brief: bool = False) -> list[Text]:
    """The reads that missed a write, each in a few lines; its place and its tests alone if *is_brief*."""
    lines = [Text(f"read-after-write bugs ({len(bugs)})", "bold")] if bugs else []
    most = LISTED if is_verbose else phrases.DETAILED
    for bug in bugs[:most]:
        lines.append(Text.assemble(("LATE READ ", "bold yellow"), (bug.title, "bold")))
        tests = bug.named(VERBOSE_TESTS if is_verbose else lag_check.NAMED)
        for word, text in (("test" if len(bug.tests) == 1 else "tests", tests), *(() if is_brief else bug.lines)):
            style = "red" if word == "failure" else ""
            lines.append(Text.assemble((f"  {word:{lag_check.WORD_WIDTH}}", "cyan"), (for_terminal(text), style)))
    left_out = len(bugs) - most
    return [*lines, Text(f"and {left_out} more, see summary.json", "dim")] if left_out > 0 else lines


# one line each


def _one_line_each(report: RunReport, shown: list[Case]) -> list[Text]:
    listed = shown if len(shown) >= phrases.LISTED_FROM else []
    lines = [*map(_line, listed), *_not_run(report), *map(_line, report.flaky)]
    if len(lines) > LISTED:
        lines = [*lines[:LISTED], Text(f"and {len(lines) - LISTED} more, see junit.xml", "dim")]
    return lines


def _line(case: Case) -> Text:
    word = label(case)
    text = case.reason if case.outcome is Outcome.NOT_RUN else case_headline(case)
    if word == phrases.FLAKY:
        text = f"attempt {case.red_attempts[-1].n} of {len(case.attempts)}: {text}"
    where = f" ({case_place(case)})" if case_place(case) else ""
    name = one_line(case.test.id, 1000)
    return Text.assemble((f"{word} ", STYLES[word]), f"{name} - {one_line(text)}", (where, "dim"))


def _not_run(report: RunReport) -> list[Text]:
    """The tests that did not run, one by one if they are few for a reason, else one line for the reason."""
    lines: list[Text] = []
    for reason, cases in report.not_run.items():
        if len(cases) <= NOT_RUN_LISTED:
            lines += [_line(case) for case in cases]
            continue
        word = phrases.LABELS[Outcome.NOT_RUN]
        text = f"{len(cases)} tests, {one_line(cases[0].test.id)} the first of them - {one_line(reason)}"
        lines.append(Text.assemble((f"{word} ", STYLES[word]), text))
    return lines


# the rest


def _slowest(report: RunReport, options: ConsoleOptions) -> list[Text]:
    if options.verbosity < 1 or options.quiet:
        return []
    rows = slowest_tests(report, options.durations, least_s=0.0 if options.verbosity > 1 else 0.001).lines()
    return [Text("slowest", "cyan"), *rows] if rows else []


def _of_plugins(report: RunReport, options: ConsoleOptions) -> list[Text]:
    """The text of pytest's plugins, such as the table of coverage."""
    text = for_terminal(report.plugins).strip("\n")
    if options.quiet or not text.strip():
        return []
    return [Text(line) for line in keep_end_lines(text, VERBOSE_LINES).split("\n")]


def _times(report: RunReport, options: ConsoleOptions) -> list[Text]:
    if options.timing and report.phases:
        times = [line.plain for line in phase_times(report).lines()]
    else:
        times = list(filter(None, [", ".join(f"{phase.name} {phase.seconds:.1f}s" for phase in report.phases)]))
    waits = waiting_times(report) if options.timing or options.verbosity >= 2 else []
    return [*headed("time", times), *headed("waits", waits)]


def _advice(report: RunReport, known: Collection[tuple[str, str]]) -> list[str]:
    new = [each for each in report.advice if (each.code, each.text) not in known]
    lines = [one_line(text, 1000) for each in new[:ADVISED] for text in (each.text, f"  write: {each.write}")]
    left_out = len(new) - ADVISED
    return [*lines, f"and {left_out} more, see journal.ndjson"] if left_out > 0 else lines


def _facts(report: RunReport, options: ConsoleOptions) -> list[Text]:
    seed = [] if report.seed is None else [f"{report.seed} (--shuffle={report.seed} repeats the order)"]
    # at a lower verbosity, the console has printed the servers
    servers = [phrases.server_line(server) for server in report.servers] if options.verbosity >= 2 else []
    counts = sorted(report.warnings.items(), key=lambda each: (-each[1], each[0]))
    warnings = [", ".join(f"{number} {one_line(category)}" for category, number in counts)] if counts else []
    left_behind = report.left_behind if options.quiet else ()  # else the console has printed them
    seed_and_files = [*headed("seed", seed), *headed("missing", left_behind)]
    return [
        *seed_and_files,
        *headed("warnings", warnings),
        *headed("servers", servers),
        *headed("routing", _routing(report, options)),
        *headed("lag check", lag_check.rows(report.lag_check) if report.lag_check else []),
    ]


def _routing(report: RunReport, options: ConsoleOptions) -> list[str]:
    if report.routing is None or options.quiet or options.verbosity == 0:
        return []
    return routing.rows(report.routing, is_verbose=options.verbosity >= 2)
