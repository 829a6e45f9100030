"""The common parts of the consoles: their options, their styles, and text that any terminal can show.

Owns no state. Reads no environment: the caller describes the terminal.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from harness.protocol.events import Outcome
from harness.report.model.phrases import FLAKY, LABELS
from harness.report.model.text import for_terminal, keep_end_lines

LABEL_WIDTH = 9
STYLES = {
    LABELS[Outcome.PASSED]: "green",
    LABELS[Outcome.FAILED]: "bold red",
    LABELS[Outcome.ERRORED]: "bold red",
    LABELS[Outcome.TIMED_OUT]: "bold red",
    LABELS[Outcome.CRASHED]: "bold red",
    LABELS[Outcome.XPASSED]: "bold red",
    LABELS[Outcome.NOT_RUN]: "bold magenta",
    LABELS[Outcome.SKIPPED]: "yellow",
    LABELS[Outcome.XFAILED]: "yellow",
    FLAKY: "bold yellow",
}
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


def labelled(label: str, text: str, style: str = "", label_style: str | None = None) -> Text:
    """A line of the running commentary: a short label, right-aligned in its column, then *text*."""
    if label_style is None:
        label_style = STYLES.get(label, "cyan")
    return Text.assemble((label.rjust(LABEL_WIDTH), label_style), " ", (text, style))


def quoted(text: str, limit: int, style: str = "") -> list[Text]:
    """*text* of the project's own, at most *limit* lines of it, each after a bar; nothing if it is blank."""
    if not text.strip():
        return []
    lines = keep_end_lines(for_terminal(text).strip("\n"), limit).split("\n")
    return [Text.assemble((f"{'':{LABEL_WIDTH}} │ ", "dim"), (line, style)) for line in lines]


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
