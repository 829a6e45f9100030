"""Text of the project's own (messages, output, names) made fit for a report: visible, short enough, on one line.

Owns how each report treats control characters and too much text. Pure; imports nothing of the package.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

STREAM_BYTES = 100_000
"""Limit of one text of an attempt: its standard output, its standard error, or its traceback."""
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
"""Characters that XML 1.0 forbids, that move a terminal's cursor or that UTF-8 cannot carry, and invisible ones: those that
turn the direction of text, end a line of it, have no width, or tag what follows. Tab and newline stay.
"""


def visible(text: str) -> str:
    """*text* with carriage returns as newlines, and every other unfit character as an escape."""
    if _UNFIT.search(text) is None:
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNFIT.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def for_terminal(text: str) -> str:
    """``visible`` text without colours, which would show as escapes."""
    return visible(_COLOUR.sub("", text))


def first_line(text: str) -> str:
    """The first line of *text* that is not blank, stripped; empty if there is none."""
    return next((line for raw in visible(text).split("\n") if (line := raw.strip())), "")


def joined(text: str) -> str:
    """*text* on one line, runs of white space made one space."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text  # as most names and ids
    return " ".join(visible(text).split())


def one_line(text: str, limit: int = 300) -> str:
    """*text* on one line of at most *limit* characters, runs of white space made one space."""
    line = joined(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def cut_bytes(text: str, limit: int) -> str:
    """The beginning of visible *text* in at most *limit* bytes of UTF-8, ending in an ellipsis if it was longer."""
    if len(text) * 4 <= limit or len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - 3].decode(errors="ignore") + "…"


def keep_ends(text: str, limit: int) -> str:
    """Visible *text* in about *limit* bytes of UTF-8: head and tail, and between them the number of bytes left out."""
    if len(text) * 4 <= limit or len(raw := text.encode()) <= limit:
        return text
    half = max(limit // 2, 1)
    head = raw[:half].decode(errors="ignore")
    tail = raw[-half:].decode(errors="ignore")
    left_out = len(raw) - len(head.encode()) - len(tail.encode())
    return f"{head}\n[... {left_out:,} bytes left out; the journal has them ...]\n{tail}"


def keep_end_lines(text: str, limit: int) -> str:
    """*text* in about *limit* lines: the first third and the last two, and between them the number left out."""
    lines = text.split("\n")
    if len(lines) <= limit:
        return text
    head, left_out = limit // 3, len(lines) - limit
    return "\n".join([*lines[:head], f"[... {left_out} lines left out ...]", *lines[head + left_out :]])


def listed(names: Sequence[str], most: int) -> str:
    """The first *most* names, with commas, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def plural(number: int, noun: str) -> str:
    """``1 test``, ``2 tests``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
