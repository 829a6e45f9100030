"""Runs two sides in turn, and times commands. Owns the order of the runs and the error for a command that fails."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ci.benchmark.figures import Round
from harness.errors import HarnessError

DEADLINE_S = 900
_TAIL_LINES = 40

Side = Callable[[], float]
"""Runs one side once and returns the measured value. Its own set-up and clean-up are not counted."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides. ``details`` gives, after a run of ours, the seconds that its parts took."""

    ours: Side
    theirs: Side
    details: Callable[[], Mapping[str, float]] = field(default=dict)


def race(sides: Sides, repeat: int, tell: Callable[[str], None]) -> tuple[tuple[Round, ...], dict[str, float]]:
    """The *repeat* rounds, after one that fills the caches, and the medians of the details.

    The side that goes first changes from round to round.
    """
    rounds: list[Round] = []
    details: dict[str, list[float]] = {}
    for number in range(repeat + 1):
        if number % 2:
            theirs, ours = sides.theirs(), sides.ours()
        else:
            ours, theirs = sides.ours(), sides.theirs()
        if not number:
            tell(f"warm-up: {ours:.2f} and {theirs:.2f}")
            continue
        rounds.append(Round(ours, theirs))
        for name, seconds in sides.details().items():
            details.setdefault(name, []).append(seconds)
        tell(f"round {number} of {repeat}: {ours:.2f} and {theirs:.2f}")
    return tuple(rounds), {name: median(seconds) for name, seconds in details.items()}


def timed(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], statuses: Collection[int] = (0,)
) -> tuple[float, str]:
    """Run *command* and return its seconds and its output.

    Raises ``HarnessError`` with the end of the output if it ends with none of *statuses*.
    """
    begin = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=DEADLINE_S,
        check=False,
    )
    seconds = time.perf_counter() - begin
    if done.returncode not in statuses:
        raise failed(command, done.returncode, done.stdout)
    return seconds, done.stdout


def failed(command: Sequence[str], status: int, output: str) -> HarnessError:
    """The error for a measured command that failed: a figure of it would be meaningless."""
    return HarnessError(
        f"{' '.join(command)} ended with status {status}, and only what is green is measured.",
        hint="Run it by hand: it is no matter of the benchmark.",
        evidence="\n".join(output.splitlines()[-_TAIL_LINES:]),
    )
