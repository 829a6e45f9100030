"""The catalogue entries and all rows of a MySQL or MariaDB database, in a form that is compared with another database's."""

from __future__ import annotations

import re
from typing import Any

import pymysql

from tests.e2e.pairs import Session

TABLES = {
    "SCHEMATA": "SCHEMA_NAME",
    "TABLES": "TABLE_SCHEMA",
    "COLUMNS": "TABLE_SCHEMA",
    "STATISTICS": "TABLE_SCHEMA",
    "KEY_COLUMN_USAGE": "TABLE_SCHEMA",
    "REFERENTIAL_CONSTRAINTS": "CONSTRAINT_SCHEMA",
    "TABLE_CONSTRAINTS": "TABLE_SCHEMA",
    "CHECK_CONSTRAINTS": "CONSTRAINT_SCHEMA",
    "VIEWS": "TABLE_SCHEMA",
    "TRIGGERS": "TRIGGER_SCHEMA",
    "EVENTS": "EVENT_SCHEMA",
    "ROUTINES": "ROUTINE_SCHEMA",
    "PARAMETERS": "SPECIFIC_SCHEMA",
    "PARTITIONS": "TABLE_SCHEMA",
    "SCHEMA_PRIVILEGES": "TABLE_SCHEMA",
    "TABLE_PRIVILEGES": "TABLE_SCHEMA",
}
"""The tables of information_schema, each with the column that names the database."""
PASSING = re.compile(
    r"CREATE_TIME|UPDATE_TIME|CHECK_TIME|TABLE_ROWS|.*_LENGTH|DATA_FREE|CARDINALITY|LAST_.*|AUTO_INCREMENT|CHECKSUM"
    r"|CREATE_OPTIONS|TEMPORARY"
)
"""Columns that describe the moment and not the definition, except lengths of columns. AUTO_INCREMENT is cached there; SHOW
CREATE has it. CREATE_OPTIONS has a row format that was once the server's default, and that a clone names explicitly.
"""
SHOWN = {"BASE TABLE": "TABLE", "SYSTEM VERSIONED": "TABLE", "VIEW": "VIEW", "SEQUENCE": "SEQUENCE"}


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def contents(session: Session, database: str, called: str) -> dict[tuple[str, ...], Any]:
    """The contents of *database* by kind and object; in all texts, *called* replaces the name of the database."""

    def plain(value: Any) -> Any:
        return value.replace(database, called) if isinstance(value, str) else value

    session.run("SET NAMES utf8mb4", "SET SESSION sql_mode = '', time_zone = '+00:00'", f"USE {quote(database)}")
    found: dict[tuple[str, ...], Any] = {}
    tables = (
        "(SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW')"
    )
    for table, column in TABLES.items():
        if rows := _asked(
            session,
            f"SELECT * FROM information_schema.{table} WHERE {column} = '{database}'"
            f"{f' AND TABLE_NAME IN {tables}' * (table == 'COLUMNS')}",  # those of a view are as in the last look at it
        ):
            found |= _entries(session, table, rows)
    for kind, name in _objects(session):
        created = _asked(session, f"SHOW CREATE {kind} {quote(name)}")
        found["SHOW", kind, name] = _comparable(kind, created)
        if kind in ("TABLE", "SEQUENCE"):
            found["ROWS", kind, name] = _rows(session, name, created)
        if kind == "VIEW":
            found["ROWS", kind, name] = _asked(session, f"SELECT * FROM {quote(name)}")
    return {key: _mapped(value, plain) for key, value in found.items()}


def _entries(session: Session, table: str, rows: Any) -> dict[tuple[str, ...], Any]:
    if isinstance(rows, str):
        return {}  # the server has no such table
    names = [column[0] for column in session.description]
    kept = [
        index
        for index, name in enumerate(names)
        if not PASSING.fullmatch(name) and not (name == "CREATED" and table != "EVENTS")
    ]
    entries = [_without_details({names[index]: row[index] for index in kept}) for row in rows]
    return {(table, *entries[0]): sorted([list(entry.values()) for entry in entries], key=repr)}


def _without_details(entry: dict[str, Any]) -> dict[str, Any]:
    """*entry* without details that a server shows in two ways with the same meaning."""
    if entry.get("TABLE_TYPE") == "SEQUENCE":
        entry["TABLE_COLLATION"] = None  # it has no text
    if entry.get("TABLE_TYPE") == "VIEW":
        entry["TABLE_COMMENT"] = None  # MySQL tells there whether the view worked when last it looked
    if entry.get("IS_GENERATED") == "ALWAYS":
        entry["COLUMN_DEFAULT"] = None  # MariaDB takes one by ALTER COLUMN, and neither uses it nor shows it
    if entry.get("COLUMN_DEFAULT"):
        entry["COLUMN_DEFAULT"] = str(entry["COLUMN_DEFAULT"]).rstrip(" ")  # PAD_CHAR_TO_FULL_LENGTH
    entry.pop("GENERATION_EXPRESSION", None)  # SHOW CREATE tells it by the type that it has come to
    return entry


def _objects(session: Session) -> list[tuple[str, str]]:
    where = "SCHEMA = DATABASE()"
    tables = session.run(f"SELECT TABLE_TYPE, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_{where}")
    found: list[Any] = [
        *[(SHOWN[kind], name) for kind, name in tables],
        *session.run(f"SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_{where}"),
        *session.run(f"SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_{where}"),
        *session.run(f"SELECT 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_{where}"),
    ]
    return found


def _rows(session: Session, name: str, created: Any) -> Any:
    """All rows as hexadecimal, with hidden and generated columns, and the former rows of a versioned table."""
    columns = [
        column
        for (column,) in session.run(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
            f" AND TABLE_NAME = '{name.replace(chr(92), chr(92) * 2).replace(chr(39), chr(39) * 2)}' ORDER BY ORDINAL_POSITION"
        )
    ]
    listed = ", ".join(f"HEX({quote(column)})" for column in columns)
    when = ""
    if "WITH SYSTEM VERSIONING" in str(created):
        when = " FOR SYSTEM_TIME ALL"
        listed += "" if "PERIOD FOR SYSTEM_TIME" in str(created) else ", row_start, row_end"
    rows = _asked(session, f"SELECT {listed} FROM {quote(name)}{when}")
    return rows if isinstance(rows, str) else sorted(rows, key=repr)


def _comparable(kind: str, created: Any) -> Any:
    """*created* without what may differ between equal definitions. A trigger's has the time of its creation, and on MariaDB the
    name of its database, if it was written so. MySQL names a column's character set if its collation was given, as it is in
    every definition that it shows. A row format may be an earlier default of the server's, and an ARCHIVE table takes no
    row below its counter.
    """
    if isinstance(created, str):
        return created
    if kind == "TRIGGER":
        return [[*row[:2], re.sub(r"(?is)^.*FOR\s+EACH\s+ROW", "", row[2]), *row[3:6]] for row in created]
    return [
        [
            re.sub(
                r" CHARACTER SET \w+(?= COLLATE)| ROW_FORMAT=\w+|(?<=ENGINE=ARCHIVE) AUTO_INCREMENT=\d+", "", str(each)
            )
            for each in row
        ]
        for row in created
    ]


def _asked(session: Session, question: str) -> Any:
    """The rows, or the number of the error."""
    try:
        return session.run(question)
    except pymysql.Error as error:
        return f"error {error.args[0]}"


def _mapped(value: Any, plain: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_mapped(each, plain) for each in value]
    return plain(value)
