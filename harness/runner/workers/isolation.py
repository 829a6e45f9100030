"""Finds test classes that change the databases: rows left behind or gone, sequences moved, connections left open.

Runs with ``--check-isolation``. A finding is never a failure: it names a class to look at when tests depend on their order.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db import connections

from ..databases.clones import TestDatabase
from ..text import listed

TABLES_NAMED = 5
_SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = database()",
}
_SEQUENCES = {
    "postgresql": "SELECT schemaname || '.' || sequencename, coalesce(last_value, 0) FROM pg_sequences",
    "mysql": "SELECT table_name, auto_increment FROM information_schema.tables"
    " WHERE table_schema = database() AND auto_increment IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class Census:
    """The content of one database: rows by table, last values of sequences, and the number of other processes' sessions."""

    rows: Mapping[str, int]
    sequences: Mapping[str, int]
    other_sessions: int


def compare(before: Census, after: Census, *, is_flushed: bool) -> tuple[str, ...]:
    """Descriptions of the changes from *before* to *after*. A class that flushes may leave fewer rows, but not more."""
    changes = []
    more = {table: count - before.rows.get(table, 0) for table, count in after.rows.items()}
    if left := [f"{table} (+{count})" for table, count in sorted(more.items()) if count > 0]:
        changes.append(f"leaves rows in {listed(left, TABLES_NAMED)}")
    if not is_flushed and (gone := [f"{table} ({count})" for table, count in sorted(more.items()) if count < 0]):
        changes.append(f"takes rows from {listed(gone, TABLES_NAMED)}")
    moved = [name for name, value in sorted(after.sequences.items()) if before.sequences.get(name) != value]
    if moved:
        changes.append(f"moves {len(moved)} {'sequence' if len(moved) == 1 else 'sequences'}")
    if after.other_sessions > before.other_sessions:
        changes.append(f"leaves {after.other_sessions - before.other_sessions} connections open")
    return tuple(changes)


class IsolationCheck:
    """Takes the census of a worker's clones: once at its start, and after each class."""

    def __init__(self, databases: Iterable[TestDatabase]) -> None:
        self._aliases = [database.alias for database in databases if connections[database.alias].vendor != "dummy"]
        self._before: dict[str, Census] = {}
        for alias in self._aliases:
            with contextlib.suppress(Exception):  # ``changes`` reports the error
                self._before[alias] = take(alias)

    def changes(self, *, is_flushed: bool) -> tuple[str, ...]:
        """The changes by the class that has just ended, by database; the next class is compared with the present state."""
        found = []
        for alias in self._aliases:
            try:
                texts = self._changes_of(alias, is_flushed=is_flushed)
            except Exception as error:  # noqa: BLE001 - a finding too: the class broke its connection
                texts = (
                    f"leaves a connection that cannot be inspected: {type(error).__name__}: {error}".splitlines()[0],
                )
            found += [f"{alias}: {text}" for text in texts]
        return tuple(found)

    def _changes_of(self, alias: str, *, is_flushed: bool) -> tuple[str, ...]:
        if not connections[alias].get_autocommit():  # a query would begin a transaction, which others may wait for
            return ("leaves autocommit turned off",)
        before, after = self._before.get(alias), take(alias)
        self._before[alias] = after
        return () if before is None else compare(before, after, is_flushed=is_flushed)


def take(alias: str) -> Census:
    """The census of the database behind *alias*."""
    connection: Any = connections[alias]
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:

        def rows_of(sql: str | None) -> Any:
            if not sql:
                return ()
            cursor.execute(sql)
            return cursor.fetchall()

        tables = connection.introspection.table_names(cursor)
        counts = [f"SELECT {number}, count(*) FROM {quote(table)}" for number, table in enumerate(tables)]  # noqa: S608 - quoted
        rows = {tables[number]: count for number, count in rows_of(" UNION ALL ".join(counts))}
        sequences = dict(rows_of(_SEQUENCES.get(connection.vendor)))
        sessions = sum(number - _own(connection) for (number,) in rows_of(_SESSIONS.get(connection.vendor)))
    return Census(rows, sequences, sessions)


def _own(connection: Any) -> int:
    """The number of this process's open connections to the database of *connection*."""
    place = itemgetter("HOST", "PORT", "NAME")
    opened = [other for other in connections.all(initialized_only=True) if other.connection is not None]
    return sum(place(other.settings_dict) == place(connection.settings_dict) for other in opened)
