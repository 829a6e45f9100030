"""Reads a MySQL or MariaDB database from the server as the statements that make its clones.

It reads over the driver's cursor, so that nothing here appears in a test's SQL; ``mysql_clone`` runs the statements. A template
is read once, for the clones of all slots.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from .mysql_definitions import (
    as_pattern,
    commented,
    granted,
    moved,
    named,
    parsable,
    plain_trigger,
    quote,
    with_row_format,
    without_counter,
)
from .mysql_session import LOCK_WAIT_S, MODE, fetch, run_all

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
class Program:
    """The statement that makes a view, routine, trigger, event or grant, and what the server stores with it for good:
    ``settings`` of the session that wrote it, and the ``collation`` of its database at that time (views and grants have none).
    """

    create: str
    settings: Mapping[str, str]
    collation: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """The statements that make a clone of the database *template*, in this order. ``options`` is the part of the database's
    definition after its name; ``rows`` copies the rows. Triggers and events come last, so that none runs during the copy.

    As it is read, the statements name the template; ``for_clone`` replaces the name.
    """

    template: str
    options: str
    collation: str
    sequences: list[str]
    tables: list[str]
    rows: list[str]
    routines: list[Program]
    grants: list[Program]
    views: list[Program]
    triggers_and_events: list[Program]

    def for_clone(self, clone: str) -> Schema:
        """These statements for the database *clone*. The rows still come from the template."""
        names, patterns = (self.template, clone), (as_pattern(self.template), as_pattern(clone))
        return replace(
            self,
            tables=[moved(create, *names) for create in self.tables],
            grants=[replace(grant, create=moved(moved(grant.create, *names), *patterns)) for grant in self.grants],
            views=[replace(view, create=moved(view.create, *names)) for view in self.views],
        )


def parents_first(creates: Mapping[str, str]) -> list[str]:
    """The tables of *creates* (name to CREATE TABLE), each after those that its foreign keys name; last the tables of a circle
    and those that refer to one. With the checks off any order works; after this one the server has nothing to correct.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, create in creates.items():
        parents = [parent[1:-1].replace("``", "`") for parent in _REFERENCED.findall(create)]
        sorter.add(name, *(parent for parent in parents if parent in creates and parent != name))
    with contextlib.suppress(CycleError):  # the sorter goes as far as the circle
        sorter.prepare()
    order: dict[str, None] = {}
    while ready := sorter.get_ready():
        order |= dict.fromkeys(ready)
        sorter.done(*ready)
    return [*order, *(name for name in creates if name not in order)]


class Reader:
    """Reads the database *template* for its clones. ``mysql_session.prepare`` has set the session of *cursor*, a driver's.
    ``has_history``: the server accepts rows with their period of validity.
    """

    def __init__(self, cursor: Any, template: str, *, has_history: bool = False) -> None:
        self._cursor = cursor
        self._template = template
        self._has_history = has_history

    def read(self) -> Schema:
        """The statements that make a clone."""
        self._cursor.execute(f"USE {quote(self._template)}")
        ((_, database),) = self._rows(f"SHOW CREATE DATABASE {quote(self._template)}")
        ((collation,),) = self._rows("SELECT @@collation_database")
        relations = self._rows(
            "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, ROW_FORMAT, CREATE_OPTIONS FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME",
            self._template,
        )
        sequences = [self._sequence(name) for name, kind, *_ in relations if kind == "SEQUENCE"]
        tables, rows = self._tables([row for row in relations if row[1] not in ("VIEW", "SEQUENCE")])
        views = [self._program("VIEW", name) for name, kind, *_ in relations if kind == "VIEW"]
        return Schema(
            self._template,
            database.removeprefix(f"CREATE DATABASE {quote(self._template)}"),
            collation,
            [statement for sequence in sequences for statement in sequence],
            tables,
            rows,
            self._routines(),
            self._grants(),
            views,
            [*self._triggers(), *self._events()],
        )

    def _tables(self, relations: Sequence[Sequence[Any]]) -> tuple[list[str], list[str]]:
        """Statements that make the tables, and those that copy the rows: of all transactional tables in one transaction, of each
        other table alone (a GTID primary refuses to mix them).
        """
        creates = self._creates(relations)
        engines = {name: str(engine).lower() for name, _, engine, *_ in relations}
        versioned = {name for name, kind, *_ in relations if kind == "SYSTEM VERSIONED"}
        with_rows = self._with_rows(
            [name for name, engine in engines.items() if engine not in _ROWS_ELSEWHERE], versioned
        )
        creates |= {name: without_counter(creates[name]) for name in with_rows}
        columns, with_history = self._columns(with_rows, versioned if self._has_history else set())
        together, apart = list[str](), list[str]()
        for name, listed in columns.items():
            copies = together if engines[name] == "innodb" else apart
            if listed:
                copies.append(self._copy(name, ", ".join(listed), has_history=name in with_history))
        rows = ["START TRANSACTION", *together, "COMMIT", *apart]
        return [creates[name] for name in parents_first(creates)], rows

    def _copy(self, table: str, columns: str, *, has_history: bool) -> str:
        source = f"{quote(self._template)}.{quote(table)}{' FOR SYSTEM_TIME ALL' if has_history else ''}"
        return f"INSERT INTO {quote(table)} ({columns}) SELECT {columns} FROM {source}"  # noqa: S608 - quoted names

    def _creates(self, relations: Sequence[Sequence[Any]]) -> dict[str, str]:
        """The definitions of the tables, each with its row format where that is an earlier default of the server."""
        answers = run_all(self._cursor, [f"SHOW CREATE TABLE {quote(name)}" for name, *_ in relations])
        creates = {name: rows[0][1] for (name, *_), rows in zip(relations, answers, strict=True)}
        ((row_format,),) = self._rows("SELECT @@innodb_default_row_format")
        for name, _, engine, used, options in relations:
            is_stated = re.search(r"\b(row_format|key_block_size)=", options or "", re.IGNORECASE)
            if engine == "InnoDB" and used and used.lower() != row_format and not is_stated:
                creates[name] = with_row_format(creates[name], used)
        return creates

    def _with_rows(self, names: Sequence[str], versioned: set[str]) -> set[str]:
        """Those of *names* that have a row, or a former row if they are *versioned*. The row counts of information_schema are
        estimates.
        """
        tables = [f"{quote(name)}{' FOR SYSTEM_TIME ALL' if name in versioned else ''}" for name in names]
        questions = [f"SELECT EXISTS (SELECT 1 FROM {table})" for table in tables]  # noqa: S608 - quoted names
        answers = run_all(self._cursor, questions)
        return {name for name, ((exists,),) in zip(names, answers, strict=True) if exists == "1"}

    def _columns(self, wanted: set[str], versioned: set[str]) -> tuple[dict[str, list[str]], set[str]]:
        """The columns of *wanted* tables that take values, hidden ones too (the server generates the others); and the
        *versioned* tables that are copied with their history. These have two more columns: the start and the end of a row's
        validity. Where these are transaction numbers, the server accepts none, and the history is not copied.
        """
        found: dict[str, list[str]] = {table: [] for table in sorted(wanted)}
        unnamed, refusing = set(versioned), set[str]()
        rows = self._rows(
            "SELECT TABLE_NAME, COLUMN_NAME, EXTRA, GENERATION_EXPRESSION, DATA_TYPE FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION",
            self._template,
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
                found[table].append(quote(column))
        for table in unnamed & wanted:
            found[table] += ["row_start", "row_end"]
        return found, versioned - refusing

    def _sequence(self, name: str) -> list[str]:
        """Statements that make the sequence, and its only row, which holds the next value. The server reserves many values at
        once in memory, and a clone of the row alone would begin after those. One clone at a time puts them back and reads the
        row, which is wrong in between.
        """
        create = self._rows(f"SHOW CREATE SEQUENCE {quote(name)}")[0][1]
        self._rows(f"SELECT GET_LOCK('harness.sequences', {LOCK_WAIT_S})")
        try:
            self._put_back(name)
            (row,) = self._rows(f"SELECT * FROM {quote(name)}")  # noqa: S608 - a quoted name
        finally:
            self._rows("SELECT RELEASE_LOCK('harness.sequences')")
        return [create, f"INSERT INTO {quote(name)} VALUES ({', '.join(row)})"]  # noqa: S608 - a quoted name, and numbers

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

    def _triggers(self) -> list[Program]:
        rows = self._rows(
            "SELECT TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS"
            " WHERE TRIGGER_SCHEMA = %s"
            " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
            self._template,
        )
        triggers = []
        for name, *head in rows:
            trigger = self._program("TRIGGER", name)
            text = plain_trigger(trigger.create, name, *head, database=self._template)
            triggers.append(replace(trigger, create=text))
        return triggers

    def _events(self) -> list[Program]:
        """The events, each to be made at its time of creation: at today's, the server would refuse or drop one whose time has
        passed.
        """
        rows = self._rows(
            "SELECT EVENT_NAME, EVENT_COMMENT, UNIX_TIMESTAMP(CREATED) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s"
            " ORDER BY EVENT_NAME",
            self._template,
        )
        events = []
        for name, comment, created in rows:
            event = self._program("EVENT", name, comment)
            text = parsable(event.create, event.settings["sql_mode"])
            events.append(replace(event, create=text, settings={**event.settings, "timestamp": str(int(created))}))
        return events

    def _grants(self) -> list[Program]:
        """Grants on the database or on objects in it: the server stores them by name, apart from the definitions. Views and
        routines of a definer with few privileges depend on them.
        """
        names = {self._template, as_pattern(self._template)}
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
            return []
        grants = []
        for user, host in grantees:
            grantee = f"{quote(user)}@{quote(host)}" if host else quote(user)  # a role of MariaDB's has no host
            grants += [line for (line,) in self._rows(f"SHOW GRANTS FOR {grantee}") if granted(line, names)]
        settings = {"sql_mode": MODE, "character_set_client": "utf8mb4"}
        return [Program(grant, settings) for grant in grants]

    def _routines(self) -> list[Program]:
        rows = self._rows(
            "SELECT ROUTINE_TYPE, ROUTINE_NAME, ROUTINE_COMMENT FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s"
            " ORDER BY ROUTINE_TYPE, ROUTINE_NAME",  # a PACKAGE comes before its PACKAGE BODY
            self._template,
        )
        return [self._program(*row) for row in rows]

    def _program(self, kind: str, name: str, comment: str = "") -> Program:
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
        text = commented(text, comment, settings["sql_mode"])
        return Program(text, settings, row.get("Database Collation") or "")

    def _shown(self, kind: str, name: str) -> dict[str, Any]:
        ((*values,),) = self._rows(f"SHOW CREATE {kind} {quote(name)}")
        return dict(zip([column[0] for column in self._cursor.description], values, strict=True))

    def _rows(self, sql: str, *args: str) -> Sequence[Sequence[Any]]:
        self._cursor.execute(sql, args or None)
        return fetch(self._cursor)
