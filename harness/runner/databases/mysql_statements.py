"""Sends statements to MySQL and MariaDB, and reads rows, as text that is not always UTF-8.

A definition may hold bytes that are not UTF-8, on a connection whose character set is UTF-8: a ``BINARY`` default (MariaDB), a
literal with another character set (``_latin1'...'``), a comment in a body. The server sends them unchanged, and the drivers
raise a ``UnicodeDecodeError``. Here each such byte becomes a lone surrogate, and is sent as that byte again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_STATEMENTS_AT_ONCE = 50


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
