"""Reads and shortens texts. Imports the standard library alone: the start of the runner needs it where nothing is installed."""

from __future__ import annotations

from pathlib import Path


def cut(text: str, limit: int) -> str:
    """*text*; if it is longer than *limit* characters, with its middle replaced by a note."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def source_of(file: Path) -> str:
    """The text of *file*; empty if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
