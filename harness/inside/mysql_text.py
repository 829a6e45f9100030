"""Text of MySQL and MariaDB that is not always UTF-8, to and from a driver.

A definition may hold bytes that are no UTF-8, on a connection whose character set is UTF-8: a ``BINARY`` default (MariaDB), a
literal with another character set (``_latin1'...'``), a comment in a body. The server sends them as they are, and the drivers
raise a ``UnicodeDecodeError``. Here each such byte becomes a lone surrogate, and is sent as that byte again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def read_bytes(connection: Any) -> None:
    """Make *connection*, one of MySQLdb's or PyMySQL's, give every value as the bytes that the server sent; see ``fetch``."""
    if hasattr(connection, "use_unicode"):  # PyMySQL
        connection.use_unicode = False
        connection.decoders = {}
    else:
        connection.converter.clear()


def fetch(cursor: Any) -> list[list[Any]]:
    """The rows of the last statement: texts (a number is its digits) and None. The connection has gone through ``read_bytes``."""
    rows: Sequence[Sequence[bytes | None]] = cursor.fetchall()
    return [[value if value is None else value.decode(errors="surrogateescape") for value in row] for row in rows]


def encode(statement: str) -> bytes:
    """*statement* with the bytes that ``fetch`` has read."""
    return statement.encode(errors="surrogateescape")


def printable(statement: str | bytes) -> str:
    """*statement* for a person: without surrogates, which no terminal and no file takes."""
    raw = statement if isinstance(statement, bytes) else encode(statement)
    return raw.decode(errors="replace")
