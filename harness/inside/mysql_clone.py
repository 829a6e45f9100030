"""Makes a clone on MySQL or MariaDB: the template's definitions and rows, by statements over one connection of the worker's.

Needs no client program, and leaves no session, lock or half-made clone in another's way. See ``mysql_schema`` for what a
template consists of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from .mysql_schema import NumberSequence, Program, Reader, Schema, Table, moved, quote, run_all

LOCK_WAIT_S = 30
"""The longest wait for what another session holds; by the server's own default it would be a year."""
_NOT_YET = frozenset({1146, 1305, 1356, 4091})
"""What a view says whose table, function, view or sequence is not there: one that comes later, or none."""


def make_clone(driver_connection: Any, template: str, clone: str) -> None:
    """Make the database *clone* like *template*; an older one of its name goes, and who is still connected to it.

    *driver_connection* is one of MySQLdb's or PyMySQL's, in autocommit and allowed several statements at once
    (``client_flag``); it is of no use for anything else afterwards.
    Raises the driver's errors.
    """
    with contextlib.closing(driver_connection.cursor()) as cursor:
        _set_up(cursor)
        _disconnect(cursor, clone)
        cursor.execute(f"DROP DATABASE IF EXISTS {quote(clone)}")
        schema = Reader(cursor, template).read()
        cursor.execute(f"CREATE DATABASE {quote(clone)} CHARACTER SET {schema.charset} COLLATE {schema.collation}")
        cursor.execute(f"USE {quote(clone)}")
        _fill(cursor, schema, template, clone)


def _set_up(cursor: Any) -> None:
    # the template is nobody's to change: its rows are read without locks
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_S}, innodb_lock_wait_timeout = {LOCK_WAIT_S}")
    cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")


def _disconnect(cursor: Any, database: str) -> None:
    """End the sessions of a worker that died: one that is in the middle of a statement would hold its locks to its end."""
    cursor.execute("SELECT CONNECTION_ID()")
    ((own,),) = cursor.fetchall()
    cursor.execute("SHOW FULL PROCESSLIST")
    for session, _, _, connected_to, *_ in cursor.fetchall():
        if connected_to == database and session != own:
            with contextlib.suppress(Exception):  # it has ended meanwhile; a lock that is still held shows in the DROP
                cursor.execute(f"KILL {int(session)}")


def _fill(cursor: Any, schema: Schema, template: str, clone: str) -> None:
    """Everything in the order in which it needs one another. Triggers and events come last: what is copied has happened."""
    for sequence in schema.sequences:
        _create_sequence(cursor, sequence)
    _run(cursor, [moved(table.create, template, clone) for table in schema.tables])
    _copy([table for table in schema.tables if table.columns], cursor, template)
    for routine in schema.routines:
        _create(cursor, routine, routine.create)
    _create_views(cursor, schema.views, template, clone)
    for program in (*schema.triggers, *schema.events):
        _create(cursor, program, program.create)


def _run(cursor: Any, statements: Iterable[str]) -> None:
    for _ in run_all(cursor, statements):
        pass


def _create_sequence(cursor: Any, sequence: NumberSequence) -> None:
    cursor.execute(sequence.create)
    cursor.execute(f"SELECT SETVAL({quote(sequence.name)}, {sequence.following}, 0)")
    cursor.fetchall()


def _copy(tables: Iterable[Table], cursor: Any, template: str) -> None:
    """The rows: of all tables with transactions in one, of each other by itself (a GTID primary refuses to mix them)."""
    ordered = sorted(tables, key=lambda table: not table.is_transactional)
    together = [table for table in ordered if table.is_transactional]
    copies = [_copy_statement(table, template) for table in ordered]
    _run(cursor, ["START TRANSACTION", *copies[: len(together)], "COMMIT", *copies[len(together) :]])


def _copy_statement(table: Table, template: str) -> str:
    columns = ", ".join(table.columns)
    target, source = quote(table.name), f"{quote(template)}.{quote(table.name)}"
    return f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {source}"  # noqa: S608 - quoted names


def _create_views(cursor: Any, views: Sequence[Program], template: str, clone: str) -> None:
    """Pass by pass, until no more can be made: each needs those that it reads. What is left is as broken in the template,
    where nobody can read it either.
    """
    remaining = list(views)
    while remaining:
        deferred = []
        for view in remaining:
            try:
                _create(cursor, view, moved(view.create, template, clone))
            except Exception as error:
                if not error.args or error.args[0] not in _NOT_YET:
                    raise
                deferred.append(view)
        if len(deferred) == len(remaining):
            return
        remaining = deferred


def _create(cursor: Any, program: Program, statement: str) -> None:
    """Run *statement* under the settings that *program* was written under."""
    names, values = zip(*program.settings, strict=True)
    cursor.execute("SET SESSION " + ", ".join(f"{name} = %s" for name in names), values)
    cursor.execute(statement)
