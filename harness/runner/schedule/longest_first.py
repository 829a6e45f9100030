"""Orders the units of a plan by the times of earlier runs, the longest first, and cuts classes that are longer than a fair share.

The rule is that of Graham's longest processing time first. Pure: no clock, no I/O.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from .estimates import Estimates
from .units import Unit

LIMITS = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125)
"""The lengths of a part that are tried, as shares of a slot's fair share of the suite."""
GOOD = 1.02
"""A predicted makespan of at most this, times the ideal, is good enough: shorter parts would repeat more fixtures."""
LEAST_S = 0.1
"""A unit that takes no longer stays whole."""
LEAST_GAIN = 0.99
"""Shorter parts are taken where the makespan is at most this, times that of longer ones."""


def longest_first(units: Sequence[Unit], estimates: Estimates, slots: int) -> tuple[Unit, ...]:
    """*units* for so many *slots*, with their times: those of a rank together, the longest first, long ones in parts.

    Units with own data come after the others of their rank, in their order: each of them needs databases of its own.
    """
    timed = [_timed(unit, unit.tests, estimates) for unit in units]
    best, shortest = timed, makespan(timed, slots)
    share = sum(unit.seconds for unit in timed) / slots
    bound = GOOD * share
    for limit in LIMITS if any(_can_split(unit, estimates) for unit in timed) else ():
        if shortest <= bound:
            break
        parts = [part for unit in timed for part in _parts(unit, max(LEAST_S, limit * share), estimates)]
        if (length := makespan(parts, slots)) < LEAST_GAIN * shortest:
            best, shortest = parts, length
    owners: dict[str, int] = {}
    for unit in best:
        owners.setdefault(unit.own_data, len(owners))
    return tuple(
        sorted(best, key=lambda unit: (_group(unit), owners[unit.own_data] if unit.own_data else 0, -unit.seconds))
    )


def makespan(units: Iterable[Unit], slots: int) -> float:
    """The seconds that *slots* take for *units*, the longest first, each by the slot that is free first."""
    free = [0.0] * slots
    for seconds in sorted((unit.seconds for unit in units), reverse=True):
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def _group(unit: Unit) -> tuple[int, bool]:
    return unit.rank, bool(unit.own_data)


def _timed(unit: Unit, tests: tuple[int, ...], estimates: Estimates) -> Unit:
    seconds = estimates.fixtures.get(unit.name, 0.0) + sum(estimates.tests[index] for index in tests)
    return replace(unit, tests=tests, seconds=seconds)


def _can_split(unit: Unit, estimates: Estimates) -> bool:
    return unit.may_split and len(unit.tests) > 1 and unit.name not in estimates.whole


def _parts(unit: Unit, limit_s: float, estimates: Estimates) -> list[Unit]:
    """*unit* in parts of about equal length, each of at most *limit_s* with its fixtures where that is possible.

    A unit whose fixtures take as long as half a part stays whole.
    """
    fixture_s = estimates.fixtures.get(unit.name, 0.0)
    if unit.seconds <= limit_s or not _can_split(unit, estimates) or 2 * fixture_s > limit_s:
        return [unit]
    number = min(len(unit.tests), math.ceil((unit.seconds - fixture_s) / (limit_s - fixture_s)))
    target = (unit.seconds - fixture_s) / number
    parts: list[Unit] = []
    taken, tests, length = 0.0, list[int](), 0.0
    for index in unit.tests:
        seconds = estimates.tests[index]
        # close the part where its end is nearer to the boundary without this test
        if tests and taken + length + seconds / 2 > target * (len(parts) + 1):
            parts.append(_timed(unit, tuple(tests), estimates))
            taken, tests, length = taken + length, [], 0.0
        tests.append(index)
        length += seconds
    parts.append(_timed(unit, tuple(tests), estimates))
    return [replace(part, is_part=True) for part in parts] if len(parts) > 1 else parts
