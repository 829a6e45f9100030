"""Makes clones on MySQL or MariaDB: runs the statements that ``mysql_schema`` reads from the template, each clone over one
connection of its worker.

Needs no client program, and leaves no session, lock or half-made clone that blocks another worker.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

from .mysql_definitions import quote
from .mysql_schema import NAMES_OF_UTF8, Program, Reader, Schema
from .mysql_session import HISTORY, encode, execute, fetch, prepare, read_bytes, run_all, set_variables

LOCKED = frozenset({1205, 1213})
"""Error numbers of a lock wait timeout and of a deadlock."""
_NOT_YET = frozenset({1054, 1146, 1305, 1356, 4091})
"""Error numbers of a statement that names a column, table, function, view or sequence that does not exist, or not yet."""


def read_schema(driver_connection: Any, template: str) -> Schema:
    """The statements that make a clone of the database *template*.

    *driver_connection* is one of MySQLdb's or PyMySQL's, in autocommit and allowed several statements at once
    (``client_flag``); afterwards it can be used for ``make_clone`` alone. Raises the driver's errors, with the statement that
    failed as a note.
    """
    read_bytes(driver_connection)
    with contextlib.closing(driver_connection.cursor()) as cursor:
        known = prepare(cursor)
        return Reader(cursor, template, has_history=HISTORY in known).read()


def make_clone(driver_connection: Any, template: Schema, clone: str) -> None:
    """Make the database *clone* like *template*. An existing *clone* is dropped, and its sessions are ended.

    *driver_connection* is as for ``read_schema``. Raises the driver's errors, with the statement that failed as a note.
    """
    schema = template.for_clone(clone)
    read_bytes(driver_connection)
    with contextlib.closing(driver_connection.cursor()) as cursor:
        prepare(cursor)
        _disconnect(cursor, clone)
        execute(cursor, f"DROP DATABASE IF EXISTS {quote(clone)}")
        # without COLLATE the server would take the current default of the character set
        execute(cursor, f"CREATE DATABASE {quote(clone)}{schema.options} COLLATE {schema.collation}")
        cursor.execute(f"USE {quote(clone)}")
        for _ in run_all(cursor, [*schema.sequences, *schema.tables, *schema.rows]):
            pass
        author = _Author(cursor, clone, schema.collation)
        for program in schema.routines:
            author.write(program)
        _write_possible(author, [*schema.grants, *schema.views])
        for program in schema.triggers_and_events:
            author.write(program)
        author.collate(schema.collation)


def _disconnect(cursor: Any, database: str) -> None:
    """End the sessions of a worker that died: one in the middle of a statement would hold its locks until that ends."""
    cursor.execute("SELECT CONNECTION_ID()")
    ((own,),) = fetch(cursor)
    cursor.execute("SHOW FULL PROCESSLIST")
    for session, _, _, connected_to, *_ in fetch(cursor):
        if connected_to == database and session != own:
            with contextlib.suppress(Exception):  # it has ended meanwhile; if it still holds a lock, the DROP fails
                cursor.execute(f"KILL {int(session)}")


def _write_possible(author: _Author, programs: Sequence[Program]) -> None:
    """Write *programs* in passes until no more can be made: a view needs the views that it reads and its definer's grants, a
    grant needs its object. The programs left over are broken in the template too.
    """
    remaining, before = list(programs), -1
    while len(remaining) != before:
        before = len(remaining)
        deferred = []
        for program in remaining:
            try:
                author.write(program)
            except Exception as error:
                if not error.args or error.args[0] not in _NOT_YET:
                    raise
                deferred.append(program)
        remaining = deferred


class _Author:
    """Creates programs, each under the session settings that the template's program was created under.

    A program also keeps its database's collation of that time, which no session can set: *database* has that collation while
    the program is created, and its own *collation* for a program that keeps none.
    """

    def __init__(self, cursor: Any, database: str, collation: str) -> None:
        self._cursor = cursor
        self._database = database
        self._own_collation = self._collation = collation
        self._settings: dict[str, str] = {}

    def write(self, program: Program) -> None:
        self.collate(program.collation or self._own_collation)
        settings = dict(program.settings)
        text = self._encoded(program.create, settings.get("character_set_client", ""))
        if text is None:
            text = program.create
            settings["character_set_client"] = "utf8mb4"
        self._set(settings)
        execute(self._cursor, text)

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
