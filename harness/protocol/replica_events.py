"""The events about replicas, as those of ``events``: where statements went, and what tests do when a replica is late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .events import Event
from .results import Failure, Frame
from .topology import Role

LAG_CHECK = "lag check"
"""The phase in which tests run again with late replicas."""
LagVerdict = Literal["bug", "unstable", "pause", "unknown"]
"""Why a test that passed has failed with late replicas. ``bug``: a read missed a write. ``unstable``: it fails and passes by
turns. ``pause``: it also fails where each read waits for its replica, or has read none that was late. ``unknown``: it could not
be tried again.
"""


@dataclass(frozen=True, slots=True)
class AliasUse:
    """The statements of an alias that went to a server of a role: those that read rows, those that write some, and those of both
    kinds that failed.
    """

    alias: str
    role: str
    reads: int = 0
    writes: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class TableUse:
    """The same of a table, without failures; a statement may use several. ``model`` is empty for a table that has none."""

    table: str
    model: str
    alias: str
    role: str
    reads: int = 0
    writes: int = 0


@dataclass(frozen=True, slots=True)
class MirrorDeclared:
    """A class, or a test of pytest, whose ``databases`` names a mirror: its tests that passed or read it, and the *readers*."""

    owner: str
    alias: str
    tests: int = 0
    readers: int = 0


@dataclass(frozen=True, slots=True)
class ReadAfterWrite:
    """A test whose body read a mirror after it wrote through the primary: the alias, the role of the server that it read from,
    and the tables that it wrote before and read after, none if they were others.
    """

    test: str
    alias: str
    role: str
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrossedTransaction:
    """A test in which the statements of an alias went to one server inside a transaction on another: the *transaction*'s alias,
    and the *other*.
    """

    test: str
    transaction: str
    other: str


@dataclass(frozen=True, slots=True)
class StatementsRouted(Event):
    """The aliases, servers and tables that the statements of a worker's tests went to; sent in a run with mirrors.

    ``left_out`` counts the rows beyond the limit of each kind.
    """

    aliases: tuple[AliasUse, ...] = ()
    tables: tuple[TableUse, ...] = ()
    declared: tuple[MirrorDeclared, ...] = ()
    after_writes: tuple[ReadAfterWrite, ...] = ()
    crossed: tuple[CrossedTransaction, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class TracedStatement:
    """A statement in the body of a test. ``at`` is its beginning, in seconds since that of the body; ``frame`` the project's own
    line that has sent it, ``None`` if there is none. ``route`` says what has chosen the alias: ``Router.db_for_read``, ``using``.
    """

    alias: str
    sql: str
    at: float
    frame: Frame | None = None
    route: str = ""


@dataclass(frozen=True, slots=True)
class ReadAfterWriteBug:
    """The first read of a test without whose staleness it passes, with the last write before that it can have missed.

    ``arrived_s`` is the time from that write until the replica had it, in seconds. ``failure`` is how the test ends then.
    """

    read: TracedStatement
    write: TracedStatement | None
    arrived_s: float
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ReplicaRead(Event):
    """A test has passed whose body has read a mirror, from a server of ``role``: for a check of late reads. No journal has it."""

    test: str
    role: Role


@dataclass(frozen=True, slots=True)
class LateReadJudged(Event):
    """A test that passed has failed when its replica was late, and was tried again. ``reason`` says more, but for a bug."""

    test: str
    verdict: LagVerdict
    bug: ReadAfterWriteBug | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LagChecked(Event):
    """The tests that passed and had read a replica ran again, ``tests`` of them, with replicas ``lag_s`` seconds late.

    ``sharing`` counts tests that passed and read a mirror through its primary's connection: no lag can show there.
    ``unchecked`` are those that could not run again.
    """

    lag_s: float
    tests: int
    sharing: int = 0
    unchecked: tuple[str, ...] = ()
