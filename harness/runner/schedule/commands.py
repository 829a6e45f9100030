"""Commands of the schedule, as data; the coordinator executes them. Pure: no process, no clock, no I/O."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ...protocol.results import Outcome
from .. import unpatched

GO_ON = b"go on"
"""Line for a worker whose test has erred, sent after the servers were checked; the worker waits for it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A unit, those of its tests that are to run, and the number of their attempt. ``is_alone``: in the only worker."""

    unit: int
    tests: tuple[int, ...]
    n: int = 1
    is_alone: bool = False

    def without(self, tests: Collection[int]) -> Assignment:
        """The assignment of the other tests."""
        return replace(self, tests=tuple(index for index in self.tests if index not in tests))

    def line(self) -> bytes:
        """The line that is sent to the worker."""
        return unpatched.json.dumps([self.unit, self.tests, self.n]).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Assignment:
        unit, tests, n = unpatched.json.loads(line)
        return cls(unit, tuple(tests), n)


@dataclass(frozen=True)
class OfSlot:
    """A command about the worker of *slot*."""

    slot: int


class Spawn(OfSlot):
    """Fork a worker into the slot; it makes the slot's clones anew."""


@dataclass(frozen=True, slots=True)
class Assign:
    """Send the slot's worker its next tests."""

    slot: int
    assignment: Assignment


class Retire(OfSlot):
    """Close the sending side of the slot's socket: its worker then ends by itself."""


class Examine(OfSlot):
    """Find out why the slot's worker hangs: get the stacks of its threads, and its sessions from the servers."""


class Terminate(OfSlot):
    """Send SIGTERM to the slot's worker and to all processes below it."""


class Kill(OfSlot):
    """Kill the slot's worker and all processes below it."""


@dataclass(frozen=True, slots=True)
class Blame:
    """Report ``outcome`` for ``test``, whose worker died, was killed or lost its server. ``is_fixture``: it is in no plan.

    ``why`` is the time limit that ran out, the forged line (``is_forger``) or the loss; empty if the worker died by itself.
    """

    slot: int
    test: str
    n: int
    outcome: Outcome
    elapsed: float
    is_fixture: bool
    is_final: bool
    why: str = ""
    is_forger: bool = False


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """Report planned tests as not run, with the reason."""

    tests: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ReportSlow:
    """Report that a test has been running for a long time."""

    slot: int
    test: str
    n: int
    elapsed: float


@dataclass(frozen=True, slots=True)
class Halt:
    """Let every worker finish its running test and begin no other."""

    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Abort the run: it cannot go on."""

    message: str


@dataclass(frozen=True, slots=True)
class Finish:
    """End the run: no test runs and none is left."""


Command = Spawn | Assign | Retire | Examine | Terminate | Kill | Blame | LeaveOut | ReportSlow | Halt | GiveUp | Finish
