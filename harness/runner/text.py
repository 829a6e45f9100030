"""Joins, reads and shortens texts. Imports the standard library alone: the runner's start needs it where nothing is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def cut(text: str, limit: int) -> str:
    """*text*; if it is longer than *limit* characters, with its middle replaced by a note."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def class_name(cls: type) -> str:
    """The dotted name of a class, as unittest prints it."""
    return f"{cls.__module__}.{cls.__qualname__}"


def listed(names: Sequence[str], most: int) -> str:
    """The first *most* names, with commas, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def source_of(file: Path) -> str:
    """The text of *file*; empty if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
