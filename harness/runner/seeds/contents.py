"""The content of a database, to compare it with another: the definitions of its objects, and the rows of its tables.

``read`` asks the server; the comparison is pure.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from .content_queries import OBJECTS, TABLES

Row = tuple[Any, ...]
_HISTORY = "django_migrations"
_LINES = 12
_CHARACTERS = 400
_CLOCKS_S = 5.0
"""Seconds by which the clock of a server may differ from that of the tests."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table, sorted, with the names of their columns."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """A database: its ``objects`` with their definitions, its ``tables`` with their rows, and the time at which it began to be
    made, in seconds of the epoch; 0 where that was in an earlier run.
    """

    objects: Mapping[str, str]
    tables: Mapping[str, Table]
    begun_at: float = 0.0


def read(connection: Any, begun_at: float = 0.0, renamed: tuple[str, str] = ("", "")) -> Contents:
    """The content of the database of *connection*, in which the name *renamed* first is written as the second."""
    objects, tables = {}, {}
    with connection.cursor() as cursor:
        for kind, query in OBJECTS[connection.vendor]:
            cursor.execute(query)
            for name, *parts in cursor.fetchall():
                objects[f"{kind} {_text(name)}"] = " ".join(_text(part) for part in parts)
        cursor.execute(TABLES[connection.vendor])
        for schema, name in [(_text(schema), _text(name)) for schema, name in cursor.fetchall()]:
            quoted = ".".join(connection.ops.quote_name(each) for each in (schema, name) if each)
            if connection.vendor == "mysql":
                cursor.execute(f"SHOW CREATE TABLE {quoted}")
                objects[f"table {name}"] = _text(cursor.fetchone()[1])
            cursor.execute(f"SELECT * FROM {quoted}")  # noqa: S608 - a quoted name
            columns = tuple(_text(column[0]) for column in cursor.description)
            rows = [tuple(_value(each) for each in row) for row in cursor.fetchall()]
            tables[".".join(filter(None, (schema, name)))] = _table(name, columns, rows)
    before, after = renamed
    if before:
        objects = {name: text.replace(before, after) for name, text in objects.items()}
    return Contents(objects, tables, begun_at)


def _table(name: str, columns: tuple[str, ...], rows: list[Row]) -> Table:
    if name == _HISTORY:  # the time of each migration, and its number, which depends on the order alone
        kept = [place for place, column in enumerate(columns) if column not in ("id", "applied")]
        columns, rows = tuple(columns[place] for place in kept), [tuple(row[place] for place in kept) for row in rows]
    return Table(columns, tuple(sorted(rows, key=repr)))


def _value(value: Any) -> Any:
    return bytes(value) if isinstance(value, (memoryview, bytearray)) else value


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def differences(cached: Contents, fresh: Contents) -> list[str]:
    """The first differences of the two, a line each; empty for none. A time that the new database took from the clock while it
    was made is no difference.
    """
    lines = list(_object_differences(cached.objects, fresh.objects))
    last = "sqlite_sequence", _HISTORY  # these differ where others do, and say less
    for name in sorted({*cached.tables, *fresh.tables}, key=lambda name: (name.rpartition(".")[2] in last, name)):
        lines += _row_differences(name, cached.tables.get(name), fresh.tables.get(name), fresh.begun_at)
    return lines[:_LINES]


def _object_differences(cached: Mapping[str, str], fresh: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*cached, *fresh}):
        if name not in fresh:
            yield f"{name}: only in the cached database"
        elif name not in cached:
            yield f"{name}: only in the new database"
        elif cached[name] != fresh[name]:
            yield f"{name}: cached {cached[name][:_CHARACTERS]}"
            yield f"{' ' * len(name)}     new {fresh[name][:_CHARACTERS]}"


def _row_differences(name: str, cached: Table | None, fresh: Table | None, begun_at: float) -> Iterator[str]:
    if cached is None or fresh is None:
        return  # the objects say so
    for one, other in zip_longest(cached.rows, fresh.rows):
        if one is None or other is None or not _is_same(one, other, begun_at):
            yield f"{name}: cached {_shown(cached.columns, one)}"
            yield f"{' ' * len(name)}     new {_shown(fresh.columns, other)}"
            return


def _is_same(one: Row, other: Row, begun_at: float) -> bool:
    return len(one) == len(other) and all(
        a == b or (_is_clocks(b, begun_at) and type(a) is type(b)) for a, b in zip(one, other, strict=True)
    )


def _is_clocks(value: Any, begun_at: float) -> bool:
    """Whether *value* of the new database is a time after that began to be made."""
    if isinstance(value, str) and len(value) >= 19 and value[4:5] == "-":  # SQLite has texts
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            return False
    if not isinstance(value, datetime.datetime):
        return False
    moment = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
    return moment.timestamp() >= begun_at - _CLOCKS_S > 0


def _shown(columns: Sequence[str], row: Row | None) -> str:
    if row is None:
        return "has no such row"
    return ", ".join(f"{column}={value!r}"[:_CHARACTERS] for column, value in zip(columns, row, strict=True))
