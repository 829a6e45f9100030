"""Makes a clone on MySQL or MariaDB: copies the template's definitions and rows by statements over one connection of the
worker.

Needs no client program, and leaves no session, lock or half-made clone that blocks another worker. ``mysql_schema`` lists the
parts of a template.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from .mysql_definitions import as_pattern, moved, quote
from .mysql_schema import NAMES_OF_UTF8, NumberSequence, Program, Reader, Schema, Table
from .mysql_session import HISTORY, prepare, set_variables
from .mysql_statements import encode, execute, fetch, read_bytes, run_all

LOCKED = frozenset({1205, 1213})
"""Error numbers of a lock wait timeout and of a deadlock."""
_NOT_YET = frozenset({1054, 1146, 1305, 1356, 4091})
"""Error numbers of a statement that names a column, table, function, view or sequence that does not exist, or not yet."""

_Made = TypeVar("_Made")


def make_clone(driver_connection: Any, template: str, clone: str) -> None:
    """Make the database *clone* like *template*. An existing *clone* is dropped, and its sessions are ended.

    *driver_connection* is one of MySQLdb's or PyMySQL's, in autocommit and allowed several statements at once
    (``client_flag``); it cannot be used for anything else afterwards. Raises the driver's errors, with the statement that
    failed as a note.
    """
    read_bytes(driver_connection)
    with contextlib.closing(driver_connection.cursor()) as cursor:
        known = prepare(cursor)
        _disconnect(cursor, clone)
        execute(cursor, f"DROP DATABASE IF EXISTS {quote(clone)}")
        schema = Reader(cursor, template, has_history=HISTORY in known).read()
        # without COLLATE the server would take the current default of the character set
        execute(cursor, f"CREATE DATABASE {quote(clone)}{schema.options} COLLATE {schema.collation}")
        cursor.execute(f"USE {quote(clone)}")
        _fill(cursor, schema, template, clone)


def _disconnect(cursor: Any, database: str) -> None:
    """End the sessions of a worker that died: one in the middle of a statement would hold its locks until that ends."""
    cursor.execute("SELECT CONNECTION_ID()")
    ((own,),) = fetch(cursor)
    cursor.execute("SHOW FULL PROCESSLIST")
    for session, _, _, connected_to, *_ in fetch(cursor):
        if connected_to == database and session != own:
            with contextlib.suppress(Exception):  # it has ended meanwhile; if it still holds a lock, the DROP fails
                cursor.execute(f"KILL {int(session)}")


def _fill(cursor: Any, schema: Schema, template: str, clone: str) -> None:
    """Make each object after those that it needs. Triggers and events come last, so that none runs during the copy."""
    for sequence in schema.sequences:
        _create_sequence(cursor, sequence)
    _run(cursor, [moved(table.create, template, clone) for table in schema.tables])
    _copy([table for table in schema.tables if table.columns], cursor, template)
    patterns = as_pattern(template), as_pattern(clone)
    author = _Author(cursor, clone, schema.collation)
    grant = functools.partial(execute, cursor)
    for routine in schema.routines:
        author.write(routine, routine.create)
    author.close(schema.collation)
    # a view is refused if its definer may not read its tables; grants on a view need the view, and follow it
    grants = [moved(moved(grant, template, clone), *patterns) for grant in schema.grants]
    remaining = _make_possible(grants, grant)
    _create_views(author, schema.views, template, clone)
    for program in (*schema.triggers, *schema.events):
        author.write(program, program.create)
    author.close(schema.collation)
    _make_possible(remaining, grant)


def _run(cursor: Any, statements: Iterable[str]) -> None:
    for _ in run_all(cursor, statements):
        pass


def _create_sequence(cursor: Any, sequence: NumberSequence) -> None:
    execute(cursor, sequence.create)
    state = ", ".join(map(str, sequence.state))
    execute(cursor, f"INSERT INTO {quote(sequence.name)} VALUES ({state})")  # noqa: S608 - a quoted name, and numbers


def _copy(tables: Iterable[Table], cursor: Any, template: str) -> None:
    """Copy the rows: of all transactional tables in one transaction, of each other table alone (a GTID primary refuses to mix
    them).
    """
    ordered = sorted(tables, key=lambda table: not table.is_transactional)
    together = [table for table in ordered if table.is_transactional]
    copies = [_copy_statement(table, template) for table in ordered]
    _run(cursor, ["START TRANSACTION", *copies[: len(together)], "COMMIT", *copies[len(together) :]])


def _copy_statement(table: Table, template: str) -> str:
    columns = ", ".join(table.columns)
    target, source = quote(table.name), f"{quote(template)}.{quote(table.name)}"
    when = " FOR SYSTEM_TIME ALL" if table.has_history else ""
    return f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {source}{when}"  # noqa: S608 - quoted names


def _create_views(author: _Author, views: Sequence[Program], template: str, clone: str) -> None:
    """Create the views in passes until no more can be made: each needs the views that it reads. The views left over are broken
    in the template too.
    """
    remaining, before = list(views), -1
    while len(remaining) != before:
        before = len(remaining)
        remaining = _make_possible(remaining, lambda view: author.write(view, moved(view.create, template, clone)))


def _make_possible(each: Iterable[_Made], make: Callable[[_Made], None]) -> list[_Made]:
    """Call *make* with *each*, and return those that failed since they name an object that does not exist yet."""
    deferred = []
    for one in each:
        try:
            make(one)
        except Exception as error:
            if not error.args or error.args[0] not in _NOT_YET:
                raise
            deferred.append(one)
    return deferred


class _Author:
    """Creates programs, each under the session settings that the template's program was created under.

    A program also keeps its database's collation of that time, which no session can set: *database* has that collation while
    the program is created.
    """

    def __init__(self, cursor: Any, database: str, collation: str) -> None:
        self._cursor = cursor
        self._database = database
        self._collation = collation
        self._settings: dict[str, str] = {}

    def write(self, program: Program, statement: str) -> None:
        """Run *statement*, which makes *program*."""
        if program.collation:
            self.collate(program.collation)
        settings = dict(program.settings)
        text = self._encoded(statement, settings.get("character_set_client", ""))
        if text is None:
            text = statement
            settings["character_set_client"] = "utf8mb4"
        self._set(settings)
        execute(self._cursor, text)

    def close(self, collation: str) -> None:
        """Set the database's final *collation*, and the session's character set to the driver's."""
        self.collate(collation)
        self._set({"character_set_client": "utf8mb4"})

    def _set(self, settings: dict[str, str]) -> None:
        changed = {name: value for name, value in settings.items() if self._settings.get(name) != value}
        set_variables(self._cursor, changed)
        self._settings |= changed

    def collate(self, collation: str) -> None:
        """Set the database's *collation*, unless it has it."""
        if collation != self._collation:
            self._set({"character_set_client": "utf8mb4"})  # a character set that has every name
            execute(self._cursor, f"ALTER DATABASE {quote(self._database)} COLLATE {collation}")
            self._collation = collation

    def _encoded(self, statement: str, charset: str) -> str | bytes | None:
        """*statement* as sent by a client with the character set *charset*; ``None`` if that lacks one of its characters.

        The server converts, since its character sets differ from Python's. A statement in UTF-8 is returned as it is.
        """
        if statement.isascii() or charset in NAMES_OF_UTF8 or not re.fullmatch(r"\w+", charset):
            return statement
        raw = encode(statement)
        if charset == "binary":
            return raw
        self._cursor.execute(
            f"SELECT HEX(c), HEX(CONVERT(c USING utf8mb4)) FROM"  # noqa: S608 - digits, and a word
            f" (SELECT CONVERT(CONVERT(x'{raw.hex()}' USING utf8mb4) USING {charset}) AS c) AS converted"
        )
        ((encoded, back),) = fetch(self._cursor)
        return bytes.fromhex(encoded) if bytes.fromhex(back or "") == raw else None
