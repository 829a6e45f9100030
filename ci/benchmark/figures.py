"""The data of a figure: two things measured in turn, and their ratio. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Aim:
    """The target of a figure: a ratio of at most ``ratio``, or ours at most ``more`` above theirs, in their unit."""

    ratio: float | None = None
    more: float | None = None

    def __str__(self) -> str:
        return f"at most {self.more:g} more" if self.more is not None else f"at most {self.ratio:g}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two things that a figure compares. ``unit`` is that of the samples, as it is printed behind a number."""

    id: str
    ours: str
    theirs: str
    unit: str = "s"
    aim: Aim | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """Ours and theirs, measured one right after the other, so that other load on the machine affects both."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


@dataclass(frozen=True, slots=True)
class Figure:
    """A comparison and its rounds, of which there is at least one. ``details`` are medians of parts, by name, in seconds
    unless the name says otherwise.
    """

    comparison: Comparison
    rounds: tuple[Round, ...]
    details: Mapping[str, float] = field(default_factory=dict)

    @property
    def ours(self) -> float:
        return median(round.ours for round in self.rounds)

    @property
    def theirs(self) -> float:
        return median(round.theirs for round in self.rounds)

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: one round in which the machine was busy does not move it."""
        return median(round.ratio for round in self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest ratio of a round."""
        ratios = [round.ratio for round in self.rounds]
        return min(ratios), max(ratios)

    @property
    def more(self) -> float:
        """The median difference of the rounds: ours minus theirs."""
        return median(round.ours - round.theirs for round in self.rounds)

    @property
    def is_met(self) -> bool | None:
        """Whether the aim holds; ``None`` where there is none."""
        aim = self.comparison.aim
        if aim is None:
            return None
        if aim.more is not None:
            return self.more <= aim.more
        return aim.ratio is not None and self.ratio <= aim.ratio
