"""The session that makes clones on MySQL and MariaDB: its variables, and statements and rows as text that is not always UTF-8.

A definition may hold bytes that are not UTF-8, on a connection whose character set is UTF-8: a ``BINARY`` default (MariaDB), a
literal with another character set (``_latin1'...'``), a comment in a body. The server sends them unchanged, and the drivers
raise a ``UnicodeDecodeError``. Here each such byte becomes a lone surrogate, and is sent as that byte again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .mysql_definitions import plain_literal

MODE = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
"""The ``sql_mode`` of reading and copying: identifiers in backticks, values unchanged, and a zero stays a zero."""
HISTORY = "system_versioning_insert_history"
"""The variable of MariaDB (10.11 and later) that allows rows to be inserted with their period of validity."""
VARIABLES: Mapping[str, str] = {
    "sql_mode": MODE,
    # no checks: the template's rows have passed them, or were inserted with the check off
    "foreign_key_checks": "OFF",
    "unique_checks": "OFF",
    "check_constraint_checks": "OFF",
    "innodb_strict_mode": "OFF",
    "restrict_fk_on_non_standard_key": "OFF",
    "sql_require_primary_key": "OFF",
    HISTORY: "ON",
    # definitions are shown exactly as they are, and nothing is added to them
    "explicit_defaults_for_timestamp": "ON",
    "sql_generate_invisible_primary_key": "OFF",
    "show_gipk_in_create_table_and_information_schema": "ON",
    "show_create_table_skip_secondary_engine": "OFF",
    "show_create_table_verbosity": "OFF",
    "sql_quote_show_create": "ON",
    "default_collation_for_utf8mb4": "utf8mb4_0900_ai_ci",
    # definitions arrive as stored: a conversion makes "?" of each byte that is not of its character set
    "character_set_results": "binary",
    # UTC: in a zone with summer time one hour comes twice, and a copied time in it would be ambiguous
    "time_zone": "+00:00",
    # no limit on a statement's duration or rows
    "max_execution_time": "0",
    "max_statement_time": "0",
    "sql_big_selects": "ON",
    "sql_select_limit": "18446744073709551615",
}
"""Variables of a session that makes clones; those that the server does not know are left out."""
LOCK_WAIT_S = 30
"""The longest wait for a lock of another session, in seconds; the server's own default is a year."""
_STATEMENTS_AT_ONCE = 50


def prepare(cursor: Any) -> frozenset[str]:
    """Set the session as ``VARIABLES`` says; the names of the variables that the server knows."""
    # nothing changes the template, so its rows can be read without locks
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_S}, innodb_lock_wait_timeout = {LOCK_WAIT_S}")
    names = ", ".join(f"'{name}'" for name in VARIABLES)
    cursor.execute(f"SHOW SESSION VARIABLES WHERE Variable_name IN ({names})")
    found: dict[str, str] = dict(fetch(cursor))
    # variables that have their value already are left alone: setting some needs a privilege
    set_variables(cursor, {name: value for name, value in VARIABLES.items() if found.get(name, value) != value})
    return frozenset(found)


def set_variables(cursor: Any, settings: dict[str, str]) -> None:
    if settings:
        pairs = ", ".join(
            f"{name} = {value if value.isdigit() else plain_literal(value)}" for name, value in settings.items()
        )
        cursor.execute(f"SET SESSION {pairs}")


def read_bytes(connection: Any) -> None:
    """Make *connection*, one of MySQLdb's or PyMySQL's, return every value as the bytes that the server sent; see ``fetch``."""
    if hasattr(connection, "use_unicode"):  # PyMySQL
        connection.use_unicode = False
        connection.decoders = {}
    else:
        connection.converter.clear()


def fetch(cursor: Any) -> list[list[Any]]:
    """The rows of the last statement: texts (a number as its digits) and None. ``read_bytes`` has prepared the connection."""
    rows: Sequence[Sequence[bytes | None]] = cursor.fetchall()
    return [[value if value is None else value.decode(errors="surrogateescape") for value in row] for row in rows]


def encode(statement: str) -> bytes:
    """*statement* as bytes, each surrogate of ``fetch`` as the byte that it stands for."""
    return statement.encode(errors="surrogateescape")


def printable(statement: str | bytes) -> str:
    """*statement* for display: without surrogates, which terminals and files refuse."""
    raw = statement if isinstance(statement, bytes) else encode(statement)
    return raw.decode(errors="replace")


def execute(cursor: Any, statement: str | bytes) -> None:
    """Run *statement*, which is a note of the exception that it raises."""
    with noted(statement):
        cursor.execute(encode(statement) if isinstance(statement, str) else statement)


def run_all(cursor: Any, statements: Iterable[str]) -> Iterator[Sequence[Sequence[Any]]]:
    """Run *statements* in batches, and yield the rows of each: a clone's statement takes less time than a round trip to the
    server. The connection allows several statements at once (``MULTI_STATEMENTS``).
    """
    remaining = list(statements)
    for start in range(0, len(remaining), _STATEMENTS_AT_ONCE):
        part = remaining[start : start + _STATEMENTS_AT_ONCE]
        with noted(part[0]):
            cursor.execute(encode(";\n".join(part)))
        for following in (*part[1:], part[-1]):
            yield fetch(cursor)
            with noted(following):
                cursor.nextset()


@contextlib.contextmanager
def noted(statement: str | bytes) -> Iterator[None]:
    """Add *statement* as a note to an exception that the block raises."""
    try:
        yield
    except Exception as error:
        error.add_note(printable(statement))
        raise
