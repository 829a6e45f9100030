"""Reads the definitions of a MySQL or MariaDB database from the server, in the order in which a clone makes them.

Owns the reading and the pure decisions about it; ``mysql_clone`` acts. It reads over the driver's cursor, so that nothing here
appears in a test's SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .mysql_definitions import (
    as_pattern,
    commented,
    granted,
    named,
    parsable,
    plain_trigger,
    quote,
    with_row_format,
    without_counter,
)
from .mysql_session import LOCK_WAIT_S, MODE
from .mysql_statements import fetch, run_all

_TABLES_IN_A_QUERY = 50
_DENIED = 1142
_SEQUENCE_RUN_OUT = 4084
NAMES_OF_UTF8 = frozenset({"utf8mb4", "utf8mb3", "utf8"})
_SETTINGS = ("sql_mode", "time_zone", "character_set_client", "collation_connection")
"""Columns of a program's ``SHOW CREATE`` that hold settings of the session that wrote it."""
_ROWS_ELSEWHERE = frozenset({"mrg_myisam", "federated", "spider", "connect", "blackhole"})
"""The engines of tables that have no rows of their own."""
_REFERENCED = re.compile(r"\bREFERENCES (`(?:[^`]|``)+`) \(")
_COLUMN_OF_TEXT = {
    "VIEW": "Create View",
    "TRIGGER": "SQL Original Statement",
    "EVENT": "Create Event",
    "SEQUENCE": "Create Table",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table. ``columns`` are those that take values, quoted: a copy lists them, and leaves out generated ones; a table
    without rows has none. Copies of tables without transactions may not share one with others. ``has_history``: rows that were
    changed or deleted are copied too, with their period of validity.
    """

    name: str
    create: str
    columns: tuple[str, ...] = ()
    is_transactional: bool = True
    has_history: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A view, routine, trigger or event, and the settings that are stored with it for good: ``settings`` of the session that
    wrote it, and the ``collation`` of its database at that time (a view has none).
    """

    kind: str
    name: str
    create: str
    settings: Mapping[str, str] = field(default_factory=dict)
    collation: str = ""


@dataclass(frozen=True, slots=True)
class NumberSequence:
    """A sequence of MariaDB's. ``state`` is its only row."""

    name: str
    create: str
    state: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """The definitions of a database. Tables come parents first. ``options`` is the part of its definition after its name."""

    options: str
    collation: str
    sequences: tuple[NumberSequence, ...] = ()
    tables: tuple[Table, ...] = ()
    routines: tuple[Program, ...] = ()
    views: tuple[Program, ...] = ()
    triggers: tuple[Program, ...] = ()
    events: tuple[Program, ...] = ()
    grants: tuple[str, ...] = ()


def parents_first(creates: Mapping[str, str]) -> list[str]:
    """The tables of *creates* (name to CREATE TABLE), each after those that its foreign keys name, except in a circle. With the
    checks off any order works; after this one the server has nothing to correct.
    """
    order: dict[str, None] = {}
    entered: set[str] = set()
    for name in creates:
        stack: list[tuple[str, Iterator[str]]] = [(name, iter(_referenced(creates[name])))]
        while stack:
            current, parents = stack[-1]
            entered.add(current)
            following = next((each for each in parents if each in creates and each not in entered), None)
            if following is None:
                order.setdefault(current)
                stack.pop()
            else:
                stack.append((following, iter(_referenced(creates[following]))))
    return list(order)


def _referenced(create: str) -> list[str]:
    return [name[1:-1].replace("``", "`") for name in _REFERENCED.findall(create)]


def _commented(program: Program, comment: str) -> Program:
    return replace(program, create=commented(program.create, comment, program.settings["sql_mode"]))


class Reader:
    """Reads the database called *database* over *cursor*, a driver's, whose session ``mysql_session.prepare`` has set.
    ``has_history``: the server accepts rows with their period of validity.
    """

    def __init__(self, cursor: Any, database: str, *, has_history: bool = False) -> None:
        self._cursor = cursor
        self._database = database
        self._has_history = has_history

    def read(self) -> Schema:
        """All definitions of the database, without its rows."""
        self._cursor.execute(f"USE {quote(self._database)}")
        ((_, database),) = self._rows(f"SHOW CREATE DATABASE {quote(self._database)}")
        ((collation,),) = self._rows("SELECT @@collation_database")
        relations = self._rows(
            "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, ROW_FORMAT, CREATE_OPTIONS FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME",
            self._database,
        )
        return Schema(
            database.removeprefix(f"CREATE DATABASE {quote(self._database)}"),
            collation,
            sequences=tuple(self._sequence(name) for name, kind, *_ in relations if kind == "SEQUENCE"),
            tables=self._tables([row for row in relations if row[1] not in ("VIEW", "SEQUENCE")]),
            routines=self._routines(),
            views=tuple(self._program("VIEW", name) for name, kind, *_ in relations if kind == "VIEW"),
            triggers=self._triggers(),
            events=self._events(),
            grants=self._grants(),
        )

    def _tables(self, relations: Sequence[Sequence[Any]]) -> tuple[Table, ...]:
        if not relations:
            return ()
        names = [name for name, *_ in relations]
        answers = run_all(self._cursor, [f"SHOW CREATE TABLE {quote(name)}" for name in names])
        creates = {name: rows[0][1] for name, rows in zip(names, answers, strict=True)}
        ((row_format,),) = self._rows("SELECT @@innodb_default_row_format")
        for name, _, engine, used, options in relations:
            is_stated = re.search(r"\b(row_format|key_block_size)=", options or "", re.IGNORECASE)
            if engine == "InnoDB" and used and used.lower() != row_format and not is_stated:
                creates[name] = with_row_format(creates[name], used)
        versioned = {name for name, kind, *_ in relations if kind == "SYSTEM VERSIONED"}
        with_rows = self._with_rows(
            [name for name, _, engine, *_ in relations if str(engine).lower() not in _ROWS_ELSEWHERE], versioned
        )
        creates |= {name: without_counter(creates[name]) for name in with_rows}
        columns, with_history = self._columns(with_rows, versioned if self._has_history else set())
        transactional = {name for name, _, engine, *_ in relations if str(engine).lower() == "innodb"}
        return tuple(
            Table(name, creates[name], columns.get(name, ()), name in transactional, name in with_history)
            for name in parents_first(creates)
        )

    def _with_rows(self, names: Sequence[str], versioned: set[str]) -> set[str]:
        """Those of *names* that have a row, or a former row if they are *versioned*. The row counts of information_schema are
        estimates.
        """
        found: set[str] = set()
        for start in range(0, len(names), _TABLES_IN_A_QUERY):
            part = names[start : start + _TABLES_IN_A_QUERY]
            questions = [
                f"SELECT {number} FROM DUAL WHERE EXISTS (SELECT 1 FROM {quote(name)}"  # noqa: S608 - a quoted name
                f"{' FOR SYSTEM_TIME ALL' if name in versioned else ''})"
                for number, name in enumerate(part)
            ]
            found.update(part[int(row[0])] for row in self._rows(" UNION ALL ".join(questions)))
        return found

    def _columns(self, wanted: set[str], versioned: set[str]) -> tuple[dict[str, tuple[str, ...]], set[str]]:
        """The columns of *wanted* tables that take values, hidden ones too (the server generates the others); and the
        *versioned* tables that are copied with their history. These have two more columns: the start and the end of a row's
        validity. Where these are transaction numbers, the server accepts none, and the history is not copied.
        """
        found: dict[str, tuple[str, ...]] = dict.fromkeys(wanted, ())
        unnamed, refusing = set(versioned), set[str]()
        rows = self._rows(
            "SELECT TABLE_NAME, COLUMN_NAME, EXTRA, GENERATION_EXPRESSION, DATA_TYPE FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION",
            self._database,
        )
        for table, column, extra, expression, data_type in rows:
            if table not in wanted:
                continue
            # not DEFAULT_GENERATED, which is MySQL's word for a default that is an expression
            is_generated = re.search(r"\b(VIRTUAL|STORED|PERSISTENT) GENERATED\b", extra or "", re.IGNORECASE)
            if table in versioned and is_generated and expression in ("ROW START", "ROW END"):
                unnamed.discard(table)
                is_generated = None
                if data_type != "timestamp":
                    refusing.add(table)
                    continue
            if not is_generated:
                found[table] = (*found[table], quote(column))
        for table in unnamed & wanted:
            found[table] = (*found[table], "row_start", "row_end")
        return found, versioned - refusing

    def _sequence(self, name: str) -> NumberSequence:
        """The sequence, with its row, which holds the next value. The server reserves many values at once in memory, and a
        clone of the row alone would begin after those. One clone at a time puts them back and reads the row, which is wrong in
        between.
        """
        create = self._rows(f"SHOW CREATE SEQUENCE {quote(name)}")[0][1]
        self._rows(f"SELECT GET_LOCK('harness.sequences', {LOCK_WAIT_S})")
        try:
            self._put_back(name)
            (state,) = self._rows(f"SELECT * FROM {quote(name)}")  # noqa: S608 - a quoted name
        finally:
            self._rows("SELECT RELEASE_LOCK('harness.sequences')")
        return NumberSequence(name, create, tuple(map(int, state)))

    def _put_back(self, name: str) -> None:
        ((cached,),) = self._rows(f"SELECT cache_size FROM {quote(name)}")  # noqa: S608 - a quoted name
        if int(cached) < 2:  # a cache of one value reserves none
            return
        try:
            ((following,),) = self._rows(f"SELECT NEXTVAL({quote(name)})")
            self._rows(f"ALTER SEQUENCE {quote(name)} RESTART {int(following)}")
        except Exception as error:
            if error.args[:1] != (_SEQUENCE_RUN_OUT,):
                raise

    def _triggers(self) -> tuple[Program, ...]:
        rows = self._rows(
            "SELECT TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS"
            " WHERE TRIGGER_SCHEMA = %s"
            " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
            self._database,
        )
        programs = [(self._program("TRIGGER", name), name, *rest) for name, *rest in rows]
        return tuple(
            replace(program, create=plain_trigger(program.create, *head, database=self._database))
            for program, *head in programs
        )

    def _events(self) -> tuple[Program, ...]:
        """The events, each to be made at its time of creation: at today's, the server would refuse or drop one whose time has
        passed.
        """
        rows = self._rows(
            "SELECT EVENT_NAME, EVENT_COMMENT, UNIX_TIMESTAMP(CREATED) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s"
            " ORDER BY EVENT_NAME",
            self._database,
        )
        events = []
        for name, comment, created in rows:
            event = _commented(self._program("EVENT", name), comment)
            text = parsable(event.create, event.settings["sql_mode"])
            events.append(replace(event, create=text, settings={**event.settings, "timestamp": str(int(created))}))
        return tuple(events)

    def _grants(self) -> tuple[str, ...]:
        """Grants on the database or on objects in it: the server stores them by name, apart from the definitions. Views and
        routines of a definer with few privileges depend on them.
        """
        names = {self._database, as_pattern(self._database)}
        where = f"Db IN ({', '.join(['%s'] * len(names))})"
        tables = " UNION ".join(
            f"SELECT User, Host FROM mysql.{table} WHERE {where}"  # noqa: S608 - words of our own
            for table in ("db", "tables_priv", "procs_priv")
        )
        try:
            grantees = self._rows(tables, *[*names] * 3)
        except Exception as error:
            if error.args[:1] != (_DENIED,):  # a user that may not read these tables may not grant either
                raise
            return ()
        grants = []
        for user, host in grantees:
            grantee = f"{quote(user)}@{quote(host)}" if host else quote(user)  # a role of MariaDB's has no host
            grants += [line for (line,) in self._rows(f"SHOW GRANTS FOR {grantee}") if granted(line, names)]
        return tuple(grants)

    def _routines(self) -> tuple[Program, ...]:
        rows = self._rows(
            "SELECT ROUTINE_TYPE, ROUTINE_NAME, ROUTINE_COMMENT FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s"
            " ORDER BY ROUTINE_TYPE, ROUTINE_NAME",  # a PACKAGE comes before its PACKAGE BODY
            self._database,
        )
        return tuple(_commented(self._program(kind, name), comment) for kind, name, comment in rows)

    def _program(self, kind: str, name: str) -> Program:
        column_of_text = _COLUMN_OF_TEXT.get(kind, f"Create {kind.title()}")
        row = self._shown(kind, name)
        charset = row["character_set_client"]
        if not row[column_of_text].isascii() and charset not in NAMES_OF_UTF8 and charset != "binary":
            self._rows("SET SESSION character_set_results = utf8mb4")
            row = self._shown(kind, name)
            self._rows("SET SESSION character_set_results = binary")
        text = row[column_of_text]
        # a view stores no mode, and must not be parsed in the mode of the program made before it
        settings = {"sql_mode": MODE, **{each: row[each] for each in _SETTINGS if row.get(each) is not None}}
        if kind not in ("VIEW", "TRIGGER"):
            text = named(text, name)
        return Program(kind, name, text, settings, row.get("Database Collation") or "")

    def _shown(self, kind: str, name: str) -> dict[str, Any]:
        ((*values,),) = self._rows(f"SHOW CREATE {kind} {quote(name)}")
        return dict(zip([column[0] for column in self._cursor.description], values, strict=True))

    def _rows(self, sql: str, *args: str) -> Sequence[Sequence[Any]]:
        self._cursor.execute(sql, args or None)
        return fetch(self._cursor)
