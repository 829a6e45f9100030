"""Shortens texts. Imports nothing: the start of the runner needs it where nothing is installed."""

from __future__ import annotations


def cut(text: str, limit: int) -> str:
    """*text*; if it is longer than *limit* characters, with its middle replaced by a note."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
