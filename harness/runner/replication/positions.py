"""Positions and health of primaries and replicas, one class for each engine: ``catch_up`` waits with them.

All cursors are the driver's, so that no statement here appears in a test's SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import unpatched

MOMENT_S = 0.25
"""Seconds of a wait between checks of the replica's health: a replica that has stopped never arrives."""

Position = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The health that a replica reports. ``stopped`` is empty while it follows its primary, or tries to; ``error`` is the error
    that stopped it. ``progress`` says how far it is. ``may_recover``: it has lost its primary and looks for it.
    """

    stopped: str
    error: str
    progress: str
    may_recover: bool = False


class WalPositions:
    """Positions of PostgreSQL, in bytes of the write-ahead log (LSN). ``hint`` is the advice for a replica that has stopped."""

    hint = "Its log is in the artifacts. pg_wal_replay_pause() does that, and a role or a slot that was taken away."

    def position(self, cursor: Any) -> Position:
        """The position of the primary behind *cursor*."""
        # a commit returns when it is flushed: later WAL is not committed yet, and may stay unflushed for long
        cursor.execute("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint")
        return tuple(cursor.fetchone())

    def is_covered(self, wanted: Position, reached: Position) -> bool:
        return wanted <= reached

    def arrival(self, cursor: Any, wanted: Position) -> Position | None:
        """The position of the replica behind *cursor*, once it covers *wanted*; ``None`` if it does not within a moment."""
        until = unpatched.time.perf_counter() + MOMENT_S
        pause = 0.0005
        while True:
            cursor.execute("SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint")
            replayed = tuple(cursor.fetchone())
            if replayed != (None,) and replayed >= wanted:
                return replayed
            if replayed == (None,) or unpatched.time.perf_counter() > until:
                return None
            unpatched.time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def health(self, cursor: Any) -> Health | None:
        """The health of the replica behind *cursor*; ``None`` if the server is no replica."""
        cursor.execute(
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END,"
            " EXISTS (SELECT FROM pg_stat_wal_receiver), (pg_last_wal_replay_lsn() - '0/0')::bigint"
        )
        is_paused, receives, replayed = cursor.fetchone()
        if replayed is None:
            return None
        stopped = "applying" if is_paused else "" if receives else "receiving"
        return Health(stopped, "", f"at {replayed}", may_recover=not is_paused)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The statements for one kind of server. ``wait`` takes a position and seconds; it is true if the replica arrived in time."""

    position: str
    wait: str


MARIADB = Dialect("SELECT @@GLOBAL.gtid_binlog_pos", "SELECT MASTER_GTID_WAIT(%s, %s) = 0")
MYSQL = Dialect("SELECT @@GLOBAL.gtid_executed", "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s) = 0")
MYSQL_FILES = Dialect("SHOW BINARY LOG STATUS", "SELECT SOURCE_POS_WAIT(%s, %s, %s) >= 0")
MYSQL_FILES_OLD = Dialect("SHOW MASTER STATUS", MYSQL_FILES.wait)


def dialect_of(version: str, gtid_mode: str) -> Dialect:
    """The dialect of a server of *version* (from ``VERSION()``); *gtid_mode* is MySQL's variable."""
    if "mariadb" in version.lower():
        return MARIADB
    if gtid_mode.upper() != "OFF":
        return MYSQL
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    return MYSQL_FILES if numbers >= (8, 2) else MYSQL_FILES_OLD


def health_of(status: Mapping[str, Any], workers: Sequence[tuple[Any, ...]] = ()) -> Health:
    """Parse a row of ``SHOW REPLICA STATUS``, in old or new terms. *workers*: number and message of each applier worker's
    error.
    """
    row = {name.lower().replace("slave", "replica"): value for name, value in status.items()}
    progress = str(row.get("replica_sql_running_state") or row.get("replica_io_state") or "")
    if row.get("replica_sql_running") == "No":
        # MySQL's summary only refers to the workers' errors
        errors = [*workers, (row.get("last_sql_errno"), row.get("last_sql_error"))]
        text = "\n".join(f"error {number}: {message}" for number, message in errors)
        return Health("applying", text.strip(), progress)
    if row.get("replica_io_running") == "No":
        return Health("receiving", (row.get("last_io_error") or "").strip(), progress)
    return Health("", "", progress)


class GtidPositions:
    """As ``WalPositions``, of MySQL and MariaDB: sets of transaction ids; with ``gtid_mode`` off a place in the binary log."""

    hint = (
        "The error names the statement: it worked on the primary and failed on the replica. Does it depend on a"
        " setting, a user or a temporary table that only the primary has? The replica's log is in the artifacts."
    )

    def __init__(self) -> None:
        self._dialect: Dialect | None = None

    def position(self, cursor: Any) -> Position:
        if self._dialect is None:
            cursor.execute("SELECT VERSION()")
            version = str(cursor.fetchone()[0])
            cursor.execute("SHOW GLOBAL VARIABLES LIKE 'gtid_mode'")
            row = cursor.fetchone()
            self._dialect = dialect_of(version, str(row[1]) if row else "")
        cursor.execute(self._dialect.position)
        row = cursor.fetchone()
        return tuple(row[:2]) if "STATUS" in self._dialect.position else tuple(row)

    def is_covered(self, wanted: Position, reached: Position) -> bool:
        return wanted == reached or wanted == ("",)

    def arrival(self, cursor: Any, wanted: Position) -> Position | None:
        assert self._dialect is not None  # position() has set it
        cursor.execute(self._dialect.wait, [*wanted, MOMENT_S])  # never 0: MySQL then waits without limit
        return wanted if cursor.fetchone()[0] else None

    def health(self, cursor: Any) -> Health | None:
        cursor.execute("SHOW REPLICA STATUS")
        row = cursor.fetchone()
        if row is None:
            return None
        status = dict(zip([column[0] for column in cursor.description], row, strict=True))
        workers: Sequence[tuple[Any, ...]] = ()
        if status.get("Replica_SQL_Running") == "No":  # MySQL's name of the column
            cursor.execute(
                "SELECT LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_worker"
                " WHERE LAST_ERROR_NUMBER <> 0"
            )
            workers = cursor.fetchall()
        return health_of(status, workers)


Positions = WalPositions | GtidPositions
