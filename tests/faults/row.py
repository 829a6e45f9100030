"""A fault, what must come of it, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """``left`` names what the run left behind: containers, networks, processes."""

    fault: str
    expected: str
    seen: str
    left: tuple[str, ...] = ()

    @property
    def is_as_expected(self) -> bool:
        return self.expected == self.seen and not self.left


def told(outcomes: dict[str, str]) -> str:
    """Outcomes in words: ``test_1 PASSED, test_2 CRASHED``."""
    return ", ".join(f"{test} {outcome}" for test, outcome in sorted(outcomes.items())) or "no outcome"


def table(rows: Iterable[Row]) -> str:
    """The rows under a head, those that are not as expected with both texts in full."""
    lines = []
    for number, row in enumerate(rows, start=1):
        word = "as expected" if row.is_as_expected else "NOT AS EXPECTED"
        lines.append(f"{number:3}  {word:15}  {row.fault}")
        lines.append(f"     expected: {row.expected}")
        lines.append(f"     seen:     {'the same' if row.expected == row.seen else row.seen}")
        lines.append(f"     left:     {', '.join(row.left) or 'nothing'}")
    return "\n".join(lines)
