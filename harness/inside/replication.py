"""What a replica has of its primary: positions in the stream, and waiting until the one has reached the other's.

PostgreSQL's positions are LSNs. Raw cursors of the driver are used throughout, so that nothing here appears in a test's SQL.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import connections
from django.db.backends.base.base import NO_DB_ALIAS, BaseDatabaseWrapper

from harness.errors import ServerError

CATCH_UP_S = 30.0


def parse_lsn(text: str) -> int:
    """A ``pg_lsn`` as the number of bytes that it is."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


class Link:
    """A primary and one of its replicas, as seen by one process.

    The primary is asked over a connection of its own: the test's may be in a transaction that has failed, or forbidden.
    """

    def __init__(self, primary: str) -> None:
        self._primary = primary
        self._monitor: Any = None
        self._replayed = -1

    def wait(self, replica: Any, deadline_s: float = CATCH_UP_S) -> None:
        """Return when the server behind *replica* (a Django connection) has what its primary has now.

        Raises ``ServerError`` when it has not within *deadline_s* seconds, with both positions.
        """
        wanted = self._position()
        if wanted <= self._replayed:
            return
        replica.ensure_connection()
        deadline = time.monotonic() + deadline_s
        pause = 0.0005
        with replica.connection.cursor() as cursor:
            while True:
                cursor.execute("SELECT pg_last_wal_replay_lsn()::text")
                text = cursor.fetchone()[0]
                if text is None:  # not a replica: it has what it has
                    return
                self._replayed = parse_lsn(text)
                if self._replayed >= wanted:
                    return
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"The replica of {self._primary!r} did not catch up within {deadline_s:g} s.",
                        hint="Look at its log in the artifacts: something on it may hold back the replay.",
                        evidence=f"primary at byte {wanted}, replica at byte {self._replayed} of the WAL",
                    )
                time.sleep(pause)
                pause = min(pause * 2, 0.02)

    def close(self) -> None:
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    def _position(self) -> int:
        if self._monitor is None:
            self._monitor = server_connection(self._primary)
        with self._monitor.connection.cursor() as cursor:
            # a commit returns when it is flushed; what is inserted behind that is nobody's to see, and may stay there for long
            cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
            return parse_lsn(cursor.fetchone()[0])


def server_connection(alias: str) -> BaseDatabaseWrapper:
    """An open connection to the server behind *alias*, to no test database, in autocommit; the caller closes it.

    A pool that the project's ``OPTIONS`` ask for is left out: this connection lives as long as its process.
    """
    connection = connections[alias]
    options = {key: value for key, value in connection.settings_dict["OPTIONS"].items() if key != "pool"}
    settings = {**connection.settings_dict, "NAME": "postgres", "OPTIONS": options, "AUTOCOMMIT": True}
    wrapper: BaseDatabaseWrapper = connection.__class__(settings, alias=NO_DB_ALIAS)
    type(wrapper).connect(wrapper)
    return wrapper
