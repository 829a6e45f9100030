"""The queue of the units that have no worker yet. Pure: no process, no clock, no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from .commands import Assignment
from .units import Unit


class UnitQueue:
    """The assignments that wait, in the order of the units. Without times of earlier runs, the first one is the next.

    With times, units of one rank and of the same own data are a line, and the first of each line may be next: databases that a
    unit of a later line has flushed are of no use to those of an earlier one. See ``take``.
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        self._units = units
        self._is_timed = any(unit.seconds for unit in units)
        self._lines: dict[tuple[int, str], deque[Assignment]] = {}
        self._seconds = 0.0
        for number, unit in enumerate(units):
            self.append(Assignment(number, unit.tests))

    def __bool__(self) -> bool:
        return any(self._lines.values())

    def append(self, assignment: Assignment) -> None:
        unit = self._units[assignment.unit]
        key = (unit.rank, unit.own_data) if self._is_timed else (0, "")
        self._lines.setdefault(key, deque()).append(assignment)
        self._seconds += unit.seconds

    def clear(self) -> None:
        self._lines.clear()
        self._seconds = 0.0

    def without(self, tests: Collection[int]) -> None:
        """Drop *tests*."""
        for key, line in self._lines.items():
            self._lines[key] = deque(kept for each in line if (kept := each.without(tests)).tests)
        self._seconds = sum(self._units[each.unit].seconds for line in self._lines.values() for each in line)

    def take(self, left: Collection[str], others_s: float, slots: int, *, may_leave: bool) -> Assignment | None:
        """The next assignment for a worker whose databases have *left*, which is removed; ``None`` if no unit suits them.

        That is the first of the first line, or a longer unit of a later line that would end after all others if it waited for
        one more: the waiting units and *others_s*, the rest of the running ones, are shared by all *slots*. Not so without
        *may_leave*: no other worker has databases that the first line can use.
        """
        waiting = [line for line in self._lines.values() if line]
        suited = [line for line in waiting if self._unit(line).suits(left)]
        if not suited or (not self._is_timed and suited[0] is not waiting[0]):
            return None
        chosen = suited[0]
        if len(suited) > 1 and may_leave:
            end_s = (self._seconds + others_s) / slots
            first_s = self._unit(chosen).seconds
            late = [line for line in suited[1:] if self._unit(line).seconds > max(first_s, end_s - first_s)]
            chosen = max(late, key=lambda line: self._unit(line).seconds, default=chosen)
        assignment = chosen.popleft()
        self._seconds -= self._units[assignment.unit].seconds
        return assignment

    def _unit(self, line: deque[Assignment]) -> Unit:
        return self._units[line[0].unit]
