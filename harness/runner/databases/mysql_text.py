"""Decodes and encodes text of MySQL and MariaDB that is not always UTF-8.

A definition may hold bytes that are not UTF-8, on a connection whose character set is UTF-8: a ``BINARY`` default (MariaDB), a
literal with another character set (``_latin1'...'``), a comment in a body. The server sends them unchanged, and the drivers
raise a ``UnicodeDecodeError``. Here each such byte becomes a lone surrogate, and is sent as that byte again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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
