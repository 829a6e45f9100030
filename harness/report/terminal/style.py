"""The common parts of consoles and summaries: options, styles, lines, and text that any terminal can show.

Owns no state. Reads no environment: the caller describes the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.text import Text

from harness.protocol.results import Outcome
from harness.report.model.phrases import FLAKY, LABELS
from harness.report.model.text import for_terminal, keep_end_lines
from harness.report.model.verdict import Cause, Verdict

LABEL_WIDTH = 9
_COLUMN = 12
STYLES = {
    **{LABELS[outcome]: "bold red" if outcome.is_red else "yellow" for outcome in Outcome},
    LABELS[Outcome.PASSED]: "green",
    LABELS[Outcome.NOT_RUN]: "bold magenta",
    FLAKY: "bold yellow",
}
"""The style of each ``phrases.label``."""
_ASCII = str.maketrans({"─": "-", "━": "=", "╸": "-", "╺": "-", "│": "|", "…": "..."})


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """The options of a console. ``durations``: number of slowest tests, 0 for all, ``None`` for only the slow ones.
    ``verbosity`` as Django's, 0 to 3. ``quiet``: only the final results.

    ``width`` is in columns; ``None`` asks the terminal. ``guard`` is a random token, to be set if a runner takes commands from
    what is printed (GitHub Actions): commands are stopped while anything is printed.
    """

    width: int | None = 100
    colour: bool = False
    verbosity: int = 1
    debug_sql: bool = False
    durations: int | None = None
    timing: bool = False
    buffer: bool = False
    quiet: bool = False
    guard: str = ""


def labelled(label: str, text: str, style: str = "", label_style: str = "") -> Text:
    """A line printed while a run goes on: a short label, right-aligned in its column, then *text*."""
    return Text.assemble((label.rjust(LABEL_WIDTH), label_style or STYLES.get(label, "cyan")), " ", (text, style))


def headed(name: str, rows: Iterable[str]) -> list[Text]:
    """*rows* of a summary, with *name* in the column before the first."""
    return [
        Text.assemble((f"{'' if index else name:{_COLUMN - 1}} ", "cyan"), for_terminal(row))
        for index, row in enumerate(rows)
    ]


def verdict_line(verdict: Verdict, result: str) -> Text:
    """The verdict, the *result* of the run or runs, and the exit code unless it is 0."""
    style = "bold green" if verdict.exit_code == 0 else "bold red"
    end = f"; exit code {int(verdict.exit_code)}" if verdict.exit_code else ""
    return Text.assemble((f"{verdict.word.upper():{_COLUMN - 1}} ", style), (result + end, "bold"))


def cause_lines(cause: Cause, limit: int, backend: str = "") -> list[Text]:
    """The message, the hint and at most *limit* lines of the evidence of *cause*, after the name of its *backend* if any."""
    first, *others = for_terminal(cause.message).split("\n")
    others += filter(None, for_terminal(cause.hint).split("\n"))
    name = f"{backend}: {cause.kind}" if backend else cause.kind
    head = Text.assemble((f"{name}: ", "bold red"), (first, "bold"))
    return [head, *(Text(f"  {line}") for line in others), *quoted(cause.evidence, limit)]


def quoted(text: str, limit: int) -> list[Text]:
    """*text* of the project's own, at most *limit* lines of it, each after a bar; nothing if it is blank."""
    if not text.strip():
        return []
    lines = keep_end_lines(for_terminal(text).strip("\n"), limit).split("\n")
    return [Text.assemble((f"{'':{LABEL_WIDTH}} │ ", "dim"), line) for line in lines]


def clip_start(text: str, width: int) -> str:
    """*text* cut to *width* columns from its start: the end of a dotted name says more."""
    return text if len(text) <= width else "…" + text[len(text) - max(width - 1, 1) :]


def encodable(text: str, encoding: str | None) -> str:
    """*text* that *encoding* can carry: lines and ellipses as ASCII, other characters that it lacks as escapes."""
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text
