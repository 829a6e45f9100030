"""What a MySQL or MariaDB database consists of, as the server itself writes it down, and in which order it is made again.

Owns the reading and the pure decisions about it; ``mysql_clone`` acts. What is read is a cursor of the driver, so that
nothing here appears in a test's SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MODE = "NO_AUTO_VALUE_ON_ZERO"
"""The ``sql_mode`` of reading and copying: identifiers in backticks, values as they are, and a zero that stays one."""
_TABLES_A_QUESTION = 50
_STATEMENTS_AT_ONCE = 50
_REFERENCED = re.compile(r"\bREFERENCES (`(?:[^`]|``)+`) \(")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|(?P<name>`(?:[^`]|``)+`)\.""", re.DOTALL)
_COLUMN_OF_TEXT = {
    "VIEW": "Create View",
    "TRIGGER": "SQL Original Statement",
    "EVENT": "Create Event",
    "SEQUENCE": "Create Table",
}


@dataclass(frozen=True, slots=True)
class Table:
    """``columns`` are those that take values, quoted: a copy lists them, and leaves out what is generated. A table without
    rows has none. Copies of tables that know no transactions may not be mixed with others in one.
    """

    name: str
    create: str
    columns: tuple[str, ...] = ()
    is_transactional: bool = True


@dataclass(frozen=True, slots=True)
class Program:
    """A view, routine, trigger or event, and what was set when it was written, which it keeps for ever."""

    kind: str
    name: str
    create: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NumberSequence:
    """MariaDB's. ``following`` is the value that it gives next."""

    name: str
    create: str
    following: int


@dataclass(frozen=True, slots=True)
class Schema:
    """A database. Tables come parents first."""

    charset: str
    collation: str
    sequences: tuple[NumberSequence, ...] = ()
    tables: tuple[Table, ...] = ()
    routines: tuple[Program, ...] = ()
    views: tuple[Program, ...] = ()
    triggers: tuple[Program, ...] = ()
    events: tuple[Program, ...] = ()


def quote(name: str) -> str:
    """*name* as an identifier."""
    return "`" + name.replace("`", "``") + "`"


def run_all(cursor: Any, statements: Iterable[str]) -> Iterator[Sequence[Sequence[Any]]]:
    """Run *statements*, many at a time, and give the rows of each: a statement of a clone takes less time than the way to the
    server and back. The connection allows several statements at once (``MULTI_STATEMENTS``).
    """
    remaining = list(statements)
    for start in range(0, len(remaining), _STATEMENTS_AT_ONCE):
        cursor.execute(";\n".join(remaining[start : start + _STATEMENTS_AT_ONCE]))
        yield cursor.fetchall()
        while cursor.nextset():
            yield cursor.fetchall()


def parents_first(creates: Mapping[str, str]) -> list[str]:
    """The tables of *creates* (name to CREATE TABLE), each behind those that its foreign keys name, as far as these form no
    circle. Any order would do with the checks off; in this one the server has nothing to put right afterwards.
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


def moved(sql: str, old: str, new: str) -> str:
    """*sql*, in which the server has written ``old`` in front of names, for the database *new*. Literals stay."""

    def replace(match: re.Match[str]) -> str:
        return f"{quote(new)}." if match["name"] == quote(old) else match[0]

    return _QUOTED.sub(replace, sql)


class Reader:
    """Reads the database called *database* over *cursor*, a driver's, on whose session it sets what reading needs."""

    def __init__(self, cursor: Any, database: str) -> None:
        self._cursor = cursor
        self._database = database

    def read(self) -> Schema:
        """All of it, without its rows."""
        self._cursor.execute("SET SESSION sql_mode = %s, sql_quote_show_create = 1", [MODE])
        self._cursor.execute(f"USE {quote(self._database)}")
        ((charset, collation),) = self._rows("SELECT @@character_set_database, @@collation_database")
        relations = self._rows(
            "SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
            " ORDER BY TABLE_NAME",
            self._database,
        )
        return Schema(
            charset,
            collation,
            sequences=tuple(self._sequence(name) for name, kind, _ in relations if kind == "SEQUENCE"),
            tables=self._tables({name: engine for name, kind, engine in relations if kind not in ("VIEW", "SEQUENCE")}),
            routines=self._programs(
                "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s"
                " ORDER BY ROUTINE_TYPE, ROUTINE_NAME"  # a PACKAGE comes before its PACKAGE BODY
            ),
            views=tuple(self._program("VIEW", name) for name, kind, _ in relations if kind == "VIEW"),
            triggers=self._programs(
                "SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
                " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER"
            ),
            events=self._programs(
                "SELECT 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s ORDER BY EVENT_NAME"
            ),
        )

    def _tables(self, engines: Mapping[str, str | None]) -> tuple[Table, ...]:
        questions = [f"SHOW CREATE TABLE {quote(name)}" for name in engines]
        answers = [rows[0][1] for rows in run_all(self._cursor, questions)]
        creates = dict(zip(engines, answers, strict=True))
        columns = self._columns(self._with_rows(list(engines))) if engines else {}
        return tuple(
            Table(name, creates[name], columns.get(name, ()), str(engines[name]).lower() == "innodb")
            for name in parents_first(creates)
        )

    def _with_rows(self, names: Sequence[str]) -> set[str]:
        """Those of *names* that have a row. What information_schema says of that is an estimate."""
        found: set[str] = set()
        for start in range(0, len(names), _TABLES_A_QUESTION):
            part = names[start : start + _TABLES_A_QUESTION]
            questions = [
                f"SELECT {number} FROM DUAL WHERE EXISTS (SELECT 1 FROM {quote(name)})"  # noqa: S608 - a quoted name
                for number, name in enumerate(part)
            ]
            found.update(part[int(row[0])] for row in self._rows(" UNION ALL ".join(questions)))
        return found

    def _columns(self, wanted: set[str]) -> dict[str, tuple[str, ...]]:
        """The columns of *wanted* tables that take values: all but those that the server generates, hidden ones too."""
        found: dict[str, tuple[str, ...]] = {}
        rows = self._rows(
            "SELECT TABLE_NAME, COLUMN_NAME, EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s"
            " ORDER BY TABLE_NAME, ORDINAL_POSITION",
            self._database,
        )
        for table, column, extra in rows:
            # not DEFAULT_GENERATED, which is MySQL's word for a default that is an expression
            if table in wanted and not re.search(
                r"\b(VIRTUAL|STORED|PERSISTENT) GENERATED\b", extra or "", re.IGNORECASE
            ):
                found[table] = (*found.get(table, ()), quote(column))
        return found

    def _sequence(self, name: str) -> NumberSequence:
        create = self._rows(f"SHOW CREATE SEQUENCE {quote(name)}")[0][1]
        ((following,),) = self._rows(f"SELECT next_not_cached_value FROM {quote(name)}")  # noqa: S608 - a quoted name
        return NumberSequence(name, create, int(following))

    def _programs(self, question: str) -> tuple[Program, ...]:
        return tuple(self._program(kind, name) for kind, name in self._rows(question, self._database))

    def _program(self, kind: str, name: str) -> Program:
        ((*values,),) = self._rows(f"SHOW CREATE {kind} {quote(name)}")
        row = dict(zip([column[0] for column in self._cursor.description], values, strict=True))
        text = str(row[_COLUMN_OF_TEXT.get(kind, f"Create {kind.title()}")])
        names = ["sql_mode", "time_zone"]
        if text.isascii():  # else the bytes that are sent would be taken for those of that other character set
            names += ["character_set_client", "collation_connection"]
        # a view has no mode of its own, and must not be read in that of what was made before it
        found = {"sql_mode": MODE, **{each: str(row[each]) for each in names if row.get(each) is not None}}
        return Program(kind, name, text, tuple(found.items()))

    def _rows(self, sql: str, *args: str) -> Sequence[Sequence[Any]]:
        self._cursor.execute(sql, args or None)
        rows: Sequence[Sequence[Any]] = self._cursor.fetchall()
        return rows
