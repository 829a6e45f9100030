"""The short lines by which a worker says that a test begins or has passed, and what the journal gets of them.

``b3`` and ``p3 41``: the test at place 3 of the assignment begins; it has passed after 41 microseconds and has nothing else to
report. They are most lines of a run by far. Each ``b`` is sent before its test is called, like ``AttemptStarted``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...protocol import codec
from ...protocol.events import AttemptFinished, AttemptsPassed, AttemptStarted
from ...protocol.results import Outcome
from ..host_channel import Journal

BEGUN, PASSED = b"bp"
"""The first bytes of the lines."""
MOST_US = 10**12
"""The longest time of a test that a line can have, in microseconds."""


def begun(place: int) -> bytes:
    """The line for the beginning of the test at *place*."""
    return b"b%d\n" % place


def passed(place: int, seconds: float) -> bytes:
    """The line for its end."""
    return b"p%d %d\n" % (place, round(seconds * 1e6))


def read_passed(line: bytes) -> tuple[int, int]:
    """The place and the microseconds of a line of ``passed``. Raises ``ValueError``."""
    place, duration_us = line[1:].split(b" ")
    if not 0 <= (found := int(duration_us)) <= MOST_US:
        raise ValueError(duration_us)
    return int(place), found


def as_event(line: bytes, tests: Sequence[str], n: int) -> bytes:
    """*line* as that of the event which it stands for, in an assignment of *tests*; *line* itself if it stands for none."""
    try:
        if line[0] == BEGUN:
            return codec.encode_body(AttemptStarted(tests[int(line[1:])], n)).encode()
        if line[0] == PASSED:
            place, duration_us = read_passed(line)
            return codec.encode_body(AttemptFinished(tests[place], n, Outcome.PASSED, duration_us / 1e6)).encode()
    except (ValueError, IndexError):
        pass
    return line


@dataclass(frozen=True, slots=True)
class Stretch:
    """Short lines that follow each other in a chunk, up to that at ``end``: tests that passed, each with its microseconds.

    ``began_before``: the first of them began before the stretch. ``begun`` is the test that runs after it; empty if none does.
    """

    end: int
    tests: Sequence[str]
    durations_us: Sequence[int]
    n: int
    began_before: bool
    begun: str


class Accepted:
    """The events of the worker of *slot* that were accepted and are not in the journal yet.

    A test that begins gets its ``AttemptStarted`` only if it does not end among them.
    """

    def __init__(self, journal: Journal, slot: int) -> None:
        self._journal = journal
        self._slot = slot
        self._lines: list[tuple[bytes, int, tuple[str, ...]]] = []
        self._begun: AttemptStarted | None = None

    def begin(self, test: str, n: int) -> None:
        """Add the beginning of a test."""
        self._add_begun()
        self._begun = AttemptStarted(test, n)

    def add_passed(self, stretch: Stretch, *, is_final: bool) -> None:
        """Add that tests have passed, each of which has begun before or with this."""
        is_at_once = not stretch.began_before or self._ends(stretch.tests[0])
        durations = tuple([duration / 1e6 for duration in stretch.durations_us])
        self._add_begun()
        event: AttemptFinished | AttemptsPassed
        if len(stretch.tests) > 1:
            event = AttemptsPassed(tuple(stretch.tests), durations, stretch.n, is_final)
        else:
            event = AttemptFinished(
                stretch.tests[0], stretch.n, Outcome.PASSED, durations[0], final=is_final, at_once=is_at_once
            )
        self._lines.append((codec.encode_body(event).encode(), self._slot, ()))

    def add(self, line: bytes, event: dict[str, Any], *, is_final: bool) -> None:
        """Add another *event*, given as its *line* too."""
        if event["type"] == "AttemptStarted":
            self.begin(event["test"], event.get("n", 1))
            return
        flags: tuple[str, ...] = ("final",) if is_final else ()
        if event["type"] == "AttemptFinished" and self._ends(event["test"]):
            flags += ("at_once",)
        self._add_begun()
        self._lines.append((line, self._slot, flags))

    def write(self) -> None:
        """Write all to the journal."""
        self._add_begun()
        self._journal.forward(self._lines)
        self._lines.clear()

    def _ends(self, test: str) -> bool:
        """Whether *test* is the one that has begun, and now ends: its beginning is left out."""
        if self._begun is None or self._begun.test != test:
            return False
        self._begun = None
        return True

    def _add_begun(self) -> None:
        if self._begun is not None:
            self._lines.append((codec.encode_body(self._begun).encode(), self._slot, ()))
            self._begun = None
