"""Speeds up Django's flush after each ``TransactionTestCase`` on PostgreSQL: it empties only tables that have rows.

Only that flush: a test that calls ``connection.ops.sql_flush`` or a command itself gets Django's own statements.

``TRUNCATE`` of hundreds of tables creates as many new files, here and on each replica, though a test wrote to a few. Where
the effect is the same, the tables that have rows are emptied by ``DELETE`` instead.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections

from .. import private_apis

MANY_ROWS = 1000
"""A table with more rows is emptied faster by ``TRUNCATE``."""

ORDINARY_EVERY = 100
"""One flush in this many is Django's own anyway: ``DELETE`` leaves dead rows in the files."""

# DELETE differs for: triggers of TRUNCATE, triggers and rules that the role "replica" does not turn off, inherited tables,
# and foreign keys of tables that are not emptied, which TRUNCATE refuses to leave dangling
_IS_PLAIN = """
WITH emptied AS (SELECT to_regclass(quote_ident(name)) AS id FROM unnest(%s::text[]) AS name)
SELECT current_setting('is_superuser')::boolean
   AND NOT EXISTS (SELECT FROM emptied WHERE id IS NULL)
   AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid IN (SELECT id FROM emptied)
                   AND NOT tgisinternal AND (tgtype & 32 <> 0 OR tgenabled IN ('A', 'R')))
   AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class IN (SELECT id FROM emptied) AND ev_enabled IN ('A', 'R'))
   AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent IN (SELECT id FROM emptied))
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid IN (SELECT id FROM emptied)
                   AND conrelid NOT IN (SELECT id FROM emptied WHERE id IS NOT NULL))
"""


def quicken() -> None:
    """Make the flush after each ``TransactionTestCase`` of this process use ``QuickFlush`` on PostgreSQL.

    Other backends, and one with a ``sql_flush`` of its own, stay as they are.
    """
    flushes: Counter[str] = Counter()

    @contextlib.contextmanager
    def quick() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for connection in connections.all(initialized_only=True):
                if _has_sql_flush_of_django(connection):
                    vars(connection.ops)["sql_flush"] = QuickFlush(connection, flushes)
                    stack.callback(vars(connection.ops).pop, "sql_flush", None)
            yield

    private_apis.hook_flush(quick)


def _has_sql_flush_of_django(connection: Any) -> bool:
    """Whether *connection* has the ``sql_flush`` of Django's backend for PostgreSQL, and no stand-in of a test."""
    if connection.vendor != "postgresql":
        return False
    from django.db.backends.postgresql.operations import DatabaseOperations

    is_of_django = type(connection.ops).sql_flush is DatabaseOperations.sql_flush
    return is_of_django and "sql_flush" not in vars(connection.ops)


class QuickFlush:
    """Replaces ``connection.ops.sql_flush``. *flushes* counts its calls by alias."""

    def __init__(self, connection: Any, flushes: Counter[str]) -> None:
        self._connection = connection
        self._flushes = flushes

    def __call__(
        self, style: Any, tables: Sequence[str], *, reset_sequences: bool = False, allow_cascade: bool = False
    ) -> list[str]:
        """The statements that empty *tables*."""
        ops, alias = self._connection.ops, self._connection.alias
        self._flushes[alias] += 1
        if not reset_sequences and self._flushes[alias] % ORDINARY_EVERY:
            written = self._written(tables)
            if written is not None:
                # like TRUNCATE: no row trigger runs, and no foreign key is checked
                return [
                    "SET LOCAL session_replication_role = replica",
                    *(f"DELETE FROM {ops.quote_name(table)}" for table in written),  # noqa: S608 - quoted
                    "SET LOCAL session_replication_role = DEFAULT",
                ]
        statements: list[str] = type(ops).sql_flush(
            ops, style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade
        )
        return statements

    def _written(self, tables: Sequence[str]) -> list[str] | None:
        """Those of *tables* that have rows; ``None`` if they have to be truncated."""
        connection = self._connection
        connection.ensure_connection()
        if not tables or not connection.get_autocommit() or connection.needs_rollback:
            return None
        quoted = [connection.ops.quote_name(table) for table in tables]
        counts = " UNION ALL ".join(
            f"SELECT {number}, count(*) FROM (SELECT FROM {table} LIMIT {MANY_ROWS + 1}) AS t"  # noqa: S608 - quoted
            for number, table in enumerate(quoted)
        )
        # the driver's own cursor, so that the test's statements do not include these
        with connection.connection.cursor() as cursor:
            cursor.execute(_IS_PLAIN, [list(tables)])
            if not cursor.fetchone()[0]:
                return None
            cursor.execute(counts)
            rows = cursor.fetchall()
        if any(count > MANY_ROWS for _, count in rows):
            return None
        return [tables[number] for number, count in rows if count]
