"""Output for GitHub Actions: annotations, the step summary in Markdown, and the commands that stop commands.

Owns the escaping and the limits of each. Pure: returns text; ``files`` writes the step summary, a console prints the
rest. No text of a test can become a command or markup here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from harness.protocol.events import Outcome
from harness.report.model import excerpt
from harness.report.model.excerpt import DETAILED, LISTED_FROM, sql_line
from harness.report.model.phrases import case_headline, headline, label, location, place, server_line, slowest, tally
from harness.report.model.run_report import PHASES, Attempt, Case, RunReport
from harness.report.model.text import keep_ends, one_line, plural, visible
from harness.report.model.verdict import Verdict

ANNOTATIONS = 10
"""Annotations of one kind in one step; GitHub drops the others."""
MESSAGE_CHARACTERS = 4096
TITLE_CHARACTERS = 200
SUMMARY_BYTES = 900_000
"""Limit of the step summary: GitHub drops one of more than 1 MiB entirely."""
DETAIL_BYTES = 8_000
TABLE_BYTES = 200_000
NOTICES = 20

_Item = TypeVar("_Item")
_MARKUP = re.compile(r"[^\w\s.,;'=()/-]|_")


def annotate(report: RunReport, verdict: Verdict, *, prefix: str = "") -> list[str]:
    """Workflow commands, a line each: at most ten errors and ten warnings; if there are more, the tenth says how many.

    *prefix* is the project's folder relative to the repository's root.
    """
    errors = []
    if verdict.cause is not None:
        errors += [_command("error", "", 0, cause.kind, cause.text) for cause in (verdict.cause, *verdict.others)]
    told = [case for case in report.red if case.outcome is not Outcome.NOT_RUN]
    errors += [_of_case("error", case, prefix) for case in told[: ANNOTATIONS + 1]]
    not_run = [case for case in report.red if case.outcome is Outcome.NOT_RUN]
    if not_run and not (verdict.cause and verdict.cause.kind == "NotRun"):
        title = f"{plural(len(not_run), 'test')} not run"
        errors.append(_command("error", "", 0, title, f"{not_run[0].test.id}: {not_run[0].reason}"))
    left_out = max(len(told) - ANNOTATIONS - 1, 0)
    warnings = [_of_case("warning", case, prefix) for case in report.flaky]
    return [*_at_most("error", errors, left_out), *_at_most("warning", warnings, 0)]


def stop_commands(token: str) -> str:
    """The line that stops workflow commands in what is printed after it. *token* must be random, so that no test can print it."""
    return f"::stop-commands::{token}\n"


def resume_commands(token: str) -> str:
    """The line that ends the effect of ``stop_commands``."""
    return f"::{token}::\n"


def guarded(text: str, token: str) -> str:
    """*text* between the lines that stop and resume commands, so that nothing in it is a command."""
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{stop_commands(token)}{text}{end}{resume_commands(token)}"


def step_summary(
    report: RunReport,
    verdict: Verdict,
    *,
    prefix: str = "",
    artifacts: Iterable[str] = (),
    rerun: str = "",
    sql_paths: Mapping[str, str] = MappingProxyType({}),
    durations: int | None = None,
) -> str:
    """The summary below the step, in Markdown, of less than 900 KB. Each failure is in it once.

    *sql_paths* and *durations* as for ``final_summary`` and its options.
    """
    red = [case for case in report.red if case.outcome is not Outcome.NOT_RUN]
    red.sort(key=lambda case: case.is_planned)
    told, others = red[:DETAILED], red[DETAILED:]
    is_open = len(red) < LISTED_FROM
    sections = [
        *_headline(report, verdict),
        *([f"### Failures ({len(red)})\n"] if red else []),
        *(
            briefly(case, sql_paths.get(case.test.id, ""), said="" if is_open else _said(case, prefix), is_open=is_open)
            for case in told
        ),
        *_table("More failures", others, prefix),
        *_not_run(report),
        *_table("Flaky", list(report.flaky), prefix),
        *_numbers(report, durations),
        *_lists(artifacts, rerun),
    ]
    return "\n".join(sections) + "\n"


# annotations


def _of_case(kind: str, case: Case, prefix: str) -> str:
    file, line = location(case)
    attempts = case.red_attempts
    said = case_headline(case) if kind == "error" or not attempts else headline(attempts[-1])
    text = f"{said}\n\n{_brief(case, attempts[-1])}" if attempts else said
    path = posixpath.join(prefix, file) if file and not file.startswith(("/", "<")) else ""
    return _command(kind, path, line, f"{label(case)} {case.test.id}", text)


def _at_most(kind: str, commands: list[str], left_out: int) -> list[str]:
    """*commands*, ten at most; *left_out* counts further ones that were not made."""
    if len(commands) + left_out <= ANNOTATIONS:
        return commands
    more = len(commands) + left_out - (ANNOTATIONS - 1)
    return [*commands[: ANNOTATIONS - 1], _command(kind, "", 0, "harness", f"+{more} more, see the summary")]


def _command(kind: str, file: str, line: int, title: str, message: str) -> str:
    properties = []
    if file:
        properties.append(f"file={_property(file)}")
        if line > 0:
            properties.append(f"line={line}")
    properties.append(f"title={_property(one_line(title, TITLE_CHARACTERS))}")
    text = keep_ends(visible(message).strip(), MESSAGE_CHARACTERS - 200)[:MESSAGE_CHARACTERS]
    return f"::{kind} {','.join(properties)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


# the step summary


def _headline(report: RunReport, verdict: Verdict) -> Iterator[str]:
    counts = report.counts()
    mark = "✅" if verdict.exit_code == 0 else "❌"
    yield f"## {mark} harness: {verdict.word}\n"
    yield f"{plural(counts.planned, 'test')}: {tally(counts)}, in {report.total_s:.1f}s.\n"
    for cause in (verdict.cause, *verdict.others[:ANNOTATIONS]) if verdict.cause is not None else ():
        yield f"**{plain(cause.kind)}**: {plain(one_line(cause.message, 2000))}\n"
        if cause.hint:
            yield f"{plain(one_line(cause.hint, 2000))}\n"
        if cause.evidence:
            yield fenced(keep_ends(visible(cause.evidence), DETAIL_BYTES))


def _table(title: str, cases: list[Case], prefix: str) -> Iterator[str]:
    if not cases:
        return
    yield f"### {title} ({len(cases)})\n"
    yield "| | test | where | what |\n|---|---|---|---|"
    yield from within(cases, lambda case: _row(case, prefix), TABLE_BYTES, "| | +{} more, see junit.xml | | |")
    yield ""


def _row(case: Case, prefix: str) -> str:
    where = _where(case, prefix)
    said = headline(case.red_attempts[-1]) if case.red_attempts else case_headline(case)
    cells = (label(case), one_line(case.test.id), where, one_line(said))
    return f"| {' | '.join(plain(cell) for cell in cells)} |"


def _not_run(report: RunReport) -> Iterator[str]:
    reasons: dict[str, int] = {}
    for case in report.red:
        if case.outcome is Outcome.NOT_RUN:
            reasons[case.reason] = reasons.get(case.reason, 0) + 1
    if reasons:
        yield f"### Not run ({sum(reasons.values())})\n"
        yield from (f"- {plural(number, 'test')}: {plain(one_line(why))}" for why, number in list(reasons.items())[:50])
        yield ""


def _numbers(report: RunReport, durations: int | None) -> Iterator[str]:
    rows = [(name, f"{report.phase_seconds(name):.2f}s") for name in PHASES]
    rows.append(("total", f"{report.total_s:.2f}s"))
    yield "<details><summary>Time, servers, slowest tests</summary>\n"
    yield "| phase | time |\n|---|---:|"
    yield from (f"| {name} | {value} |" for name, value in rows)
    yield ""
    yield from (f"- {plain(server_line(server))}" for server in report.servers)
    yield from (f"- notice: {plain(one_line(notice.text))}" for notice in report.notices[:NOTICES])
    if report.seed is not None:
        yield f"- seed: {report.seed}"
    if slow := slowest(report, durations):
        yield "\n| slowest | time |\n|---|---:|"
        row = "| +{} more, see junit.xml | |"
        yield from within(slow, lambda case: f"| {plain(one_line(case.test.id))} | {case.duration:.3f}s |", 50_000, row)
    yield "\n</details>\n"


def _lists(artifacts: Iterable[str], rerun: str) -> Iterator[str]:
    paths = list(artifacts)
    if paths:
        yield f"Artifacts: {', '.join(plain(path) for path in paths)}\n"
    if rerun:
        yield f"The failures again:\n\n{fenced(one_line(rerun, 4000), 'sh')}"


def briefly(case: Case, sql_path: str = "", *, said: str = "", is_open: bool = False) -> str:
    """A red *case* in a few lines, folded under its name and *said* unless *is_open*."""
    attempt = case.red_attempts[-1] if case.red_attempts else Attempt(1, case.outcome, 0.0, reason=case.reason)
    text = keep_ends("\n".join(filter(None, [_brief(case, attempt), sql_line(case, sql_path)])), DETAIL_BYTES)
    name = plain(f"{label(case)} {one_line(case.test.id)}{f' - {said}' if said else ''}")
    return f"<details{' open' if is_open else ''}><summary>{name}</summary>\n\n{fenced(text)}\n</details>\n"


def _said(case: Case, prefix: str) -> str:
    """The text for *case* in a row, without its name."""
    where = _where(case, prefix)
    return f"{one_line(case_headline(case))}{f' ({where})' if where else ''}"


def _brief(case: Case, attempt: Attempt) -> str:
    return "\n".join(line.text for line in excerpt.lines(case, attempt))


def _where(case: Case, prefix: str) -> str:
    file, line = location(case)
    return place(posixpath.join(prefix, file) if file and not file.startswith("/") else file, line)


def within(items: Sequence[_Item], render: Callable[[_Item], str], budget: int, more: str) -> Iterator[str]:
    """*render* of as many *items* as fit into *budget* bytes, then *more* formatted with the number left out."""
    for index, item in enumerate(items):
        text = render(item)
        budget -= len(text.encode()) + 1
        if budget < 0:
            yield more.format(len(items) - index)
            return
        yield text


def plain(text: str) -> str:
    """*text* with each character that Markdown or HTML could read as markup as a character reference."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", visible(text))


def fenced(text: str, language: str = "text") -> str:
    """*text* as a block of code; its fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"
