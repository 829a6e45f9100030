"""Figures as a table for people and as JSON for programs. Pure; owns the JSON's format, currently version 1."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from ci.benchmark.figures import Figure

VERSION = 1
HEAD = ("figure", "ours", "theirs", "ratio", "spread", "aim", "")
_RIGHT = frozenset({"ours", "theirs", "ratio"})


def table(figures: Sequence[Figure]) -> str:
    """One line for each figure under a head, then its comparison and the recorded parts."""
    rows = [HEAD, *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(_padded(row, widths)).rstrip() for row in rows]
    width = max(len(figure.comparison.id) for figure in figures)
    lines.append("")
    for figure in figures:
        comparison = figure.comparison
        lines.append(f"{comparison.id:{width}}  {comparison.ours}, against {comparison.theirs}")
        if figure.details:
            parts = ", ".join(
                f"{name} {value:.2f}{'' if name.endswith('MB') else ' s'}" for name, value in figure.details.items()
            )
            lines.append(f"{'':{width}}  {parts}")
    return "\n".join(lines) + "\n"


def document(figures: Iterable[Figure], machine: Mapping[str, object]) -> str:
    """The JSON text; *machine* describes the machine that the figures were measured on."""
    content = {
        "version": VERSION,
        "machine": dict(machine),
        "figures": [
            {
                "id": figure.comparison.id,
                "unit": figure.comparison.unit,
                "ours": {
                    "what": figure.comparison.ours,
                    "median": _rounded(figure.ours),
                    "samples": [_rounded(round.ours) for round in figure.rounds],
                },
                "theirs": {
                    "what": figure.comparison.theirs,
                    "median": _rounded(figure.theirs),
                    "samples": [_rounded(round.theirs) for round in figure.rounds],
                },
                "ratio": _rounded(figure.ratio),
                "spread": [_rounded(ratio) for ratio in figure.spread],
                "more": _rounded(figure.more),
                "aim": str(figure.comparison.aim) if figure.comparison.aim else None,
                "is_met": figure.is_met,
                "details": {name: _rounded(value) for name, value in figure.details.items()},
            }
            for figure in figures
        ],
    }
    return json.dumps(content, indent=2) + "\n"


def _row(figure: Figure) -> tuple[str, ...]:
    comparison = figure.comparison
    low, high = figure.spread
    met = {None: "", True: "met", False: "not met"}[figure.is_met]
    aim = str(comparison.aim) if comparison.aim else ""
    if comparison.aim is not None and comparison.aim.more is not None:
        met += f" ({figure.more:+.2f})"
    return (
        comparison.id,
        f"{_number(figure.ours)} {comparison.unit}",
        f"{_number(figure.theirs)} {comparison.unit}",
        f"{figure.ratio:.2f}",
        f"{low:.2f} to {high:.2f}",
        aim,
        met,
    )


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.rjust(width) if name in _RIGHT else cell.ljust(width)
        for name, cell, width in zip(HEAD, row, widths, strict=True)
    ]


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _rounded(value: float) -> float:
    return round(value, 6)
