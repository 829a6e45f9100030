"""Finds calls of stored procedures and functions that write: a read-only replica of MySQL or MariaDB refuses those.

The programs of a database are read once, over a connection of the harness's own, when a statement may call one for the first
time. A program writes if its text has a statement that does, or a call of another one that writes.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from .catch_up import server_connection
from .mysql_writes import EXECUTED_COMMENT, body_writes

_TEXTS = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|(?:--\s|#)[^\n]*|/\*.*?\*/", re.DOTALL)
"""Strings and comments, in which no name is a call."""
_NAME = r"(?:`[^`]+`|[\w$]+)"
_CALL = re.compile(rf"\bCALL\s+(?:({_NAME})\s*\.\s*)?({_NAME})|(?:({_NAME})\s*\.\s*)?({_NAME})\s*\(", re.IGNORECASE)
_READ = (
    "SELECT ROUTINE_TYPE, ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s"
)

Kind = Literal["PROCEDURE", "FUNCTION"]


class Call(NamedTuple):
    """A stored program as a statement names it, in lower case; ``database`` is empty for the current one."""

    database: str
    kind: Kind
    name: str


@lru_cache(maxsize=2048)
def calls_of(sql: str) -> tuple[Call, ...]:
    """The stored programs that *sql* may call: each name after CALL, and each one before a parenthesis."""
    if "(" not in sql and "call" not in sql.lower():
        return ()
    text = _TEXTS.sub(" ", EXECUTED_COMMENT.sub(r" \1 ", sql))
    found: dict[Call, None] = {}
    for match in _CALL.finditer(text):
        kind: Kind = "PROCEDURE" if match[2] else "FUNCTION"
        database, name = ((each or "").strip("`").lower() for each in (match[1] or match[3], match[2] or match[4]))
        found[Call(database, kind, name)] = None
    return tuple(found)


class Routines:
    """The stored programs of one server. *read* gives those of a database: the text of each, by its kind and name."""

    def __init__(self, read: Callable[[str], Mapping[tuple[str, str], str]]) -> None:
        self._read = read
        self._texts: dict[str, Mapping[tuple[str, str], str]] = {}
        self._known: dict[Call, bool] = {}

    def writing(self, database: str, sql: str) -> str:
        """The name of a program that *sql* calls, with *database* as the current one, and that writes; empty for none."""
        for call in calls_of(sql):
            located = call if call.database else call._replace(database=database)
            if call.kind == "PROCEDURE" and self._text(located) is None:
                self._texts.pop(located.database, None)  # it may have been made since
                self._known.clear()
            if self._writes(located):
                return call.name
        return ""

    def _text(self, call: Call) -> str | None:
        if call.database not in self._texts:
            self._texts[call.database] = self._read(call.database)
        return self._texts[call.database].get((call.kind, call.name))

    def _writes(self, call: Call) -> bool:
        """Whether *call*, or a program that it calls, writes."""
        if call not in self._known:
            reached, is_write = [call], False
            for each in reached:  # grows
                text = self._text(each)
                if text is not None:
                    is_write = is_write or body_writes(text)
                    called = (
                        inner if inner.database else inner._replace(database=each.database) for inner in calls_of(text)
                    )
                    reached += [inner for inner in dict.fromkeys(called) if inner not in reached]
            self._known[call] = is_write
        return self._known[call]


@cache
def routines_of(alias: str) -> Routines:
    """The stored programs of the server of *alias*. ``routines_of.cache_clear()`` forgets them when databases are made anew."""

    def read(database: str) -> dict[tuple[str, str], str]:
        connection = server_connection(alias)
        with contextlib.closing(connection), connection.connection.cursor() as cursor:
            cursor.execute(_READ, [database])
            return {(str(kind).upper(), str(name).lower()): str(text or "") for kind, name, text in cursor.fetchall()}

    return Routines(read)
