"""What the schedule wants done, as data: the coordinator carries these out. Pure: no process, no clock, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ..contract.events import Outcome
from . import real

GO_ON = b"go on"
"""What crosses to a worker whose test has erred, once the servers were looked at; it waits for that."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A unit, and which of its tests to run as which attempt."""

    unit: int
    tests: tuple[int, ...]
    n: int = 1

    def line(self) -> bytes:
        """What crosses to the worker."""
        return real.json.dumps([self.unit, self.tests, self.n]).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Assignment:
        unit, tests, n = real.json.loads(line)
        return cls(unit, tuple(tests), n)


@dataclass(frozen=True, slots=True)
class Spawn:
    """Fork a worker into the slot; it makes the slot's clones anew."""

    slot: int


@dataclass(frozen=True, slots=True)
class Assign:
    """Hand the slot's worker its next tests."""

    slot: int
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Retire:
    """Hang up: the slot's worker ends by itself."""

    slot: int


@dataclass(frozen=True, slots=True)
class Examine:
    """Find out what holds the slot's worker up: the stacks of its threads, and what the servers know of its sessions."""

    slot: int


@dataclass(frozen=True, slots=True)
class Terminate:
    """Ask the slot's worker, and all that it started, to end."""

    slot: int


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill the slot's worker and all that it started."""

    slot: int


@dataclass(frozen=True, slots=True)
class Blame:
    """A worker died, or was killed, while ``test`` ran: say so, as its outcome. ``is_fixture``: it is in no plan.

    ``why`` says which time was over, or what it forged (``is_forger``); it is empty where the worker died by itself.
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
    """Say of planned tests that they will not run, and why."""

    tests: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class TellSlow:
    """Say that a test has been running for long."""

    slot: int
    test: str
    n: int
    elapsed: float


@dataclass(frozen=True, slots=True)
class Halt:
    """Let every worker end its running test and begin no other."""

    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The run cannot go on."""

    message: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing runs and nothing is left to run."""


Command = Spawn | Assign | Retire | Examine | Terminate | Kill | Blame | LeaveOut | TellSlow | Halt | GiveUp | Finish
