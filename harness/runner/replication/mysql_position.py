"""Reads the replication position of a MySQL or MariaDB server, waits for it on a replica, and checks a replica's health.

Positions are sets of global transaction ids; on a MySQL whose ``gtid_mode`` is off, a place in the binary log. All cursors are
the driver's, so that no statement here appears in a test's SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ServerError
from .. import unpatched

CHECK_EVERY_S = 0.25
"""Seconds of a wait before the replica's health is checked: a stopped replica never arrives."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The statements for one kind of server. ``wait`` takes a position and seconds; it is true if the replica arrived in time."""

    position: str
    wait: str


MARIADB = Dialect("SELECT @@GLOBAL.gtid_binlog_pos", "SELECT MASTER_GTID_WAIT(%s, %s) = 0")
MYSQL = Dialect("SELECT @@GLOBAL.gtid_executed", "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s) = 0")
MYSQL_FILES = Dialect("SHOW BINARY LOG STATUS", "SELECT SOURCE_POS_WAIT(%s, %s, %s) >= 0")
MYSQL_FILES_OLD = Dialect("SHOW MASTER STATUS", MYSQL_FILES.wait)

Position = tuple[Any, ...]


def dialect_of(version: str, gtid_mode: str) -> Dialect:
    """The dialect of a server of *version* (from ``VERSION()``); *gtid_mode* is MySQL's variable."""
    if "mariadb" in version.lower():
        return MARIADB
    if gtid_mode.upper() != "OFF":
        return MYSQL
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    return MYSQL_FILES if numbers >= (8, 2) else MYSQL_FILES_OLD


@dataclass(frozen=True, slots=True)
class Health:
    """The state that a replica reports. ``stopped`` is empty while both of its threads run, or try to."""

    stopped: str
    error: str
    lag: str


def health_of(status: Mapping[str, Any], workers: Sequence[tuple[Any, ...]] = ()) -> Health:
    """Parse a row of ``SHOW REPLICA STATUS``, in old or new terms. *workers*: number and message of each applier worker's
    error.
    """
    row = {name.lower().replace("slave", "replica"): value for name, value in status.items()}
    stopped, error = "", ""
    if row.get("replica_sql_running") == "No":
        stopped, error = "applying", f"error {row.get('last_sql_errno')}: {row.get('last_sql_error')}"
    elif row.get("replica_io_running") == "No":
        stopped, error = "receiving", row.get("last_io_error") or ""
    details = [f"error {number}: {message}" for number, message in workers]
    # MySQL's summary only refers to the workers' errors
    text = "\n".join([*details, error]) if stopped == "applying" else error
    state = row.get("replica_sql_running_state") or row.get("replica_io_state") or ""
    return Health(stopped, text.strip(), str(state))


class GtidStream:
    """Position, wait and check of MySQL and MariaDB for ``catch_up.Link``."""

    def __init__(self) -> None:
        self._dialect: Dialect | None = None

    def position(self, cursor: Any) -> Position:
        """The position of the primary behind *cursor*."""
        if self._dialect is None:
            self._dialect = _dialect(cursor)
        cursor.execute(self._dialect.position)
        row = cursor.fetchone()
        return tuple(row[:2]) if "STATUS" in self._dialect.position else tuple(row)

    def is_covered(self, wanted: Position, reached: Position) -> bool:
        return wanted == reached or wanted == ("",)

    def wait(self, cursor: Any, wanted: Position, deadline_s: float, primary: str) -> Position | None:
        """Wait until the replica behind *cursor* has *wanted*, and return it; ``None`` if the server is no replica.

        Raises ``ServerError`` after *deadline_s*, and long before that if the replica has stopped.
        """
        assert self._dialect is not None  # position() has set it
        deadline = unpatched.time.perf_counter() + deadline_s
        while True:
            cursor.execute(self._dialect.wait, [*wanted, CHECK_EVERY_S])  # never 0: MySQL then waits without limit
            if cursor.fetchone()[0]:
                return wanted
            health = _health(cursor)
            if health is None:
                return None
            _raise_if_stopped(health, primary)
            if unpatched.time.perf_counter() > deadline:
                raise ServerError(
                    f"The replica of {primary!r} did not catch up within {deadline_s:g} s.",
                    hint="Look at its log in the artifacts: a transaction that is open on it may hold back what it applies.",
                    evidence=f"primary at {' '.join(map(str, wanted))}; the replica says: {health.lag or 'nothing'}",
                )

    def check(self, cursor: Any, primary: str) -> None:
        """Raise ``ServerError`` if the replica behind *cursor* has stopped, with the statement that stopped it."""
        health = _health(cursor)
        if health is not None:
            _raise_if_stopped(health, primary)


def _raise_if_stopped(health: Health, primary: str) -> None:
    if health.stopped:
        raise ServerError(
            f"The replica of {primary!r} has stopped {health.stopped} what its primary sends.",
            hint="The error names the statement: it worked on the primary and failed on the replica. Does it depend on a"
            " setting, a user or a temporary table that only the primary has? The replica's log is in the artifacts.",
            evidence=health.error,
        )


def _dialect(cursor: Any) -> Dialect:
    cursor.execute("SELECT VERSION()")
    version = str(cursor.fetchone()[0])
    cursor.execute("SHOW GLOBAL VARIABLES LIKE 'gtid_mode'")
    row = cursor.fetchone()
    return dialect_of(version, str(row[1]) if row else "")


def _health(cursor: Any) -> Health | None:
    """The replica's health; ``None`` if the server is no replica."""
    cursor.execute("SHOW REPLICA STATUS")
    row = cursor.fetchone()
    if row is None:
        return None
    status = dict(zip([column[0] for column in cursor.description], row, strict=True))
    workers: Sequence[tuple[Any, ...]] = ()
    if "Replica_SQL_Running" in status and status["Replica_SQL_Running"] == "No":  # MySQL's name of the column
        cursor.execute(
            "SELECT LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_worker"
            " WHERE LAST_ERROR_NUMBER <> 0"
        )
        workers = cursor.fetchall()
    return health_of(status, workers)
