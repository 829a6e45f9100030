"""The text of ``logs/warnings.txt``: the warnings of a run, each place once. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from harness.protocol.results import ShownWarning
from harness.report.model.text import visible


def text(shown: Iterable[ShownWarning]) -> str:
    """The warnings in the order of their files, each with its place, its category, its message, and how often it was shown."""
    blocks = [
        f"{each.file}:{each.line}: {each.category}{f', {each.count} times' if each.count > 1 else ''}\n"
        + "".join(f"  {line}\n" for line in visible(each.message).split("\n"))
        for each in sorted(shown, key=lambda each: (each.file, each.line, each.category, each.message))
    ]
    return "\n".join(blocks)
