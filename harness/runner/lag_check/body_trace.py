"""The statements in the body of a test whose replicas are late: reads of replicas, which may wait, and writes.

A test's threads, such as those of a live server, send statements too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...protocol.replica_events import TracedStatement
from ...protocol.results import Frame, Statement
from .. import unpatched
from ..sql.table_names import tables_of
from .examination import NONE_WAITS, Trial


@dataclass(slots=True)
class Sent:
    """A statement. ``database`` is the alias of the primary that has its rows, ``at`` its beginning in seconds since that of the
    body, ``waited_s`` how long it waited for its replica. ``entry`` is that of the statement log, once it has ended.
    """

    alias: str
    database: str
    at: float
    frame: Frame | None
    route: str
    waited_s: float = 0.0
    entry: tuple[Any, ...] | None = None
    tables: frozenset[str] = frozenset()


class BodyTrace:
    """The trace of one trial at a time. *mirrors* has the primary of each mirror. *place* gives the project's own line that sends
    the statement now, and *chooser* what has chosen its alias. *render* makes the statement of an entry.
    """

    def __init__(
        self,
        mirrors: Mapping[str, str],
        place: Callable[[], Frame | None],
        chooser: Callable[[str], str],
        render: Callable[[tuple[Any, ...]], Statement],
    ) -> None:
        self._mirrors = mirrors
        self._place = place
        self._chooser = chooser
        self._render = render
        self._lock = unpatched.threading.Lock()
        self._running = unpatched.threading.local()
        self._trial = NONE_WAITS
        self._start = 0.0
        self._is_in_body = False
        self.reads: list[Sent] = []
        self.writes: list[Sent] = []

    @property
    def is_prompt(self) -> bool:
        """Whether the replica catches up at once for the thread's read, which waits."""
        return self._is_in_body and not (self._trial.is_measured and self._running.number == self._trial.first_waiting)

    def begin(self, trial: Trial) -> None:
        """Forget the last trial, and begin *trial*."""
        self._trial = trial
        self.reads, self.writes = [], []

    @contextlib.contextmanager
    def body(self) -> Iterator[None]:
        """The body of the test, in which statements are noted."""
        self.reads, self.writes = [], []
        self._start = unpatched.time.perf_counter()
        self._is_in_body = True
        try:
            yield
        finally:
            self._is_in_body = False

    def read_begins(self, alias: str) -> bool:
        """Note a statement to the replica of *alias* that is about to be sent. Returns whether it has to wait."""
        if not self._is_in_body:
            return True
        read = Sent(alias, self._mirrors[alias], self._now(), self._place(), self._chooser(alias))
        with self._lock:
            number = len(self.reads)
            self.reads.append(read)
        self._running.read, self._running.number = read, number
        return number >= self._trial.first_waiting

    def read_waited(self) -> None:
        """Note that the thread's read has waited until now; outside of the body each read waits, and none is noted."""
        read: Sent | None = getattr(self._running, "read", None)
        if read is not None and self._is_in_body:
            read.waited_s = self._now() - read.at

    def note(self, entry: tuple[Any, ...]) -> None:
        """Note an *entry* of the statement log: its statement has ended."""
        if not self._is_in_body:
            return
        alias, _, text = entry[1:4]
        read: Sent | None = getattr(self._running, "read", None)
        if read is not None:
            self._running.read = None
            if read.alias == alias:
                read.entry, read.tables = entry, frozenset(tables_of(text).reads)
            return
        if alias not in self._mirrors and (written := tables_of(text).writes):
            at = entry[7] - self._start
            sent = Sent(alias, alias, at, self._place(), "", entry=entry, tables=frozenset(written))
            with self._lock:
                self.writes.append(sent)

    def candidates(self) -> list[int]:
        """The numbers of the reads that a write came before; of all reads if none did."""
        numbers = [
            number
            for number, read in enumerate(self.reads)
            if any(write.database == read.database and write.at < read.at for write in self.writes)
        ]
        return numbers or list(range(len(self.reads)))

    def missed_by(self, read: Sent) -> Sent | None:
        """The last write before *read* to one of its tables; to any table if there is none; ``None`` without a write."""
        before = [write for write in self.writes if write.database == read.database and write.at < read.at]
        same = [write for write in before if write.tables & read.tables]
        return max(same or before, key=lambda write: write.at, default=None)

    def traced(self, sent: Sent) -> TracedStatement:
        """*sent* as the report has it."""
        sql = "" if sent.entry is None else self._render(sent.entry).sql
        return TracedStatement(sent.alias, sql, round(sent.at, 6), sent.frame, sent.route)

    def _now(self) -> float:
        return unpatched.time.perf_counter() - self._start
