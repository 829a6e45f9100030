"""How well the slots of a run were used, and how long the fixtures of a class take: from the spans of a run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.model.times import Span

_SET_UP, _TEAR_DOWN = "setUpClass", "tearDownClass"


@dataclass(frozen=True, slots=True)
class Makespan:
    """The use of the slots, in seconds: ``seconds`` from the first unit's begin to the last one's end.

    ``ideal_s`` is the least that the same units can take: a fair share of each slot, or the longest unit, which took
    ``longest_s`` seconds and is called ``longest``.
    """

    seconds: float
    ideal_s: float
    longest: str
    longest_s: float


def makespan(spans: Sequence[Span], workers: int) -> Makespan | None:
    """The makespan of the units among *spans*, on so many *workers*; ``None`` if there are none."""
    units = [span for span in spans if span.kind == "unit"]
    if not units or not workers:
        return None
    longest = max(units, key=lambda span: span.end - span.start)
    longest_s = longest.end - longest.start
    work_s = sum(span.end - span.start for span in units)
    seconds = max(span.end for span in units) - min(span.start for span in units)
    return Makespan(seconds, max(work_s / workers, longest_s), longest.name, longest_s)


def fixture_s(spans: Sequence[Span]) -> dict[str, float]:
    """The seconds that the fixtures of each class took, each time that it was set up."""
    found: dict[str, list[float]] = {}
    for span in spans:
        owner, _, name = span.name.rpartition(".")
        if span.kind == "fixture" and name in (_SET_UP, _TEAR_DOWN):
            known = found.setdefault(owner, [0, 0.0])
            known[0] += name == _SET_UP
            known[1] += span.end - span.start
    return {name: total / count for name, (count, total) in found.items() if count}
