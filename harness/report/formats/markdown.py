"""Pieces of Markdown for GitHub: escaped text, blocks of code, limits, and the parts that all summaries have. Pure.

No text of a test can become markup here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from harness.report.model.phrases import excerpt, label, sql_line
from harness.report.model.replicas.lag_check import FoundBug
from harness.report.model.run_report import Case
from harness.report.model.text import keep_ends, one_line, visible
from harness.report.model.verdict import Cause, Verdict

DETAIL_BYTES = 8_000
"""Limit of one failure or piece of evidence."""

LATE_READS_SHOWN = 50

_Item = TypeVar("_Item")
_MARKUP = re.compile(r"[^\w\s.,;'=()/-]|_")


def plain(text: str) -> str:
    """*text* with each character that Markdown or HTML could read as markup as a character reference."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", visible(text))


def fenced(text: str, language: str = "text") -> str:
    """*text* as a block of code; its fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"


def within(items: Sequence[_Item], render: Callable[[_Item], str], budget: int, more: str) -> Iterator[str]:
    """*render* of as many *items* as fit into *budget* bytes, then *more* formatted with the number left out."""
    for index, item in enumerate(items):
        text = render(item)
        budget -= len(text.encode()) + 1
        if budget < 0:
            yield more.format(len(items) - index)
            return
        yield text


def headline(verdict: Verdict, where: str = "") -> str:
    """The heading of a summary."""
    return f"## {'✅' if verdict.exit_code == 0 else '❌'} harness: {verdict.word}{where}\n"


def cause_sections(cause: Cause, backend: str = "") -> Iterator[str]:
    """The message, the hint and the evidence of *cause*, after the name of its *backend* if there are several."""
    yield f"**{': '.join(plain(name) for name in (backend, cause.kind) if name)}**: {plain(one_line(cause.message, 2000))}\n"
    if cause.hint:
        yield f"{plain(one_line(cause.hint, 2000))}\n"
    if cause.evidence:
        yield fenced(keep_ends(visible(cause.evidence), DETAIL_BYTES))


def case_section(case: Case, sql_path: str = "", *, summary: str = "", is_open: bool = False) -> str:
    """A red *case* in a few lines, folded under its name and *summary* unless *is_open*."""
    lines = [*(line.text for line in excerpt(case, case.red_attempts[-1])), sql_line(case, sql_path)]
    name = plain(f"{label(case)} {one_line(case.test.id)}{f' - {summary}' if summary else ''}")
    text = fenced(keep_ends("\n".join(filter(None, lines)), DETAIL_BYTES))
    return f"<details{' open' if is_open else ''}><summary>{name}</summary>\n\n{text}\n</details>\n"


def late_reads(bugs: Sequence[FoundBug]) -> Iterator[str]:
    """The section on reads that missed a write; nothing without any."""
    if not bugs:
        return
    yield f"### Read-after-write bugs ({len(bugs)})\n"
    for bug in bugs[:LATE_READS_SHOWN]:
        yield f"<details open><summary>{plain(bug.title)}: {plain(bug.named())}</summary>\n"
        yield fenced(keep_ends(visible(bug.text), DETAIL_BYTES))
        yield "</details>\n"
    if len(bugs) > LATE_READS_SHOWN:
        yield f"and {len(bugs) - LATE_READS_SHOWN} more, see summary.json\n"
