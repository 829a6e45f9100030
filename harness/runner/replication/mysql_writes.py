"""Decides which statements a read-only replica of MySQL or MariaDB refuses: by their first words, since no server can be asked.

Pure. The statements are those that MySQL 9.7 and MariaDB 11.8 replicas refuse; a test compares them with real ones. A write to
a temporary table differs, since the text does not show it: it is refused. For calls of stored programs see
``mysql_routines``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from sqlparse import lexer, tokens

_WRITES = frozenset(
    {"INSERT", "UPDATE", "DELETE", "REPLACE", "TRUNCATE", "LOAD", "IMPORT"}  # rows
    | {"CREATE", "ALTER", "DROP", "RENAME", "OPTIMIZE"}  # the objects that hold rows
    | {"GRANT", "REVOKE", "INSTALL", "UNINSTALL"}  # privileges and plugins
)
_STARTS = frozenset({"BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"})
"""The words of a stored program that a statement may follow."""
_BEFORE_TABLE = frozenset(
    {"LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK", "IGNORE", "INTO", "FROM", "TABLE", "IF", "NOT", "EXISTS"}
)
_FIRST_WORD = re.compile(r"(?:\s|\(|--\s.*\n|#.*\n|/\*(?!M?!).*?\*/)*(\w+)", re.DOTALL)
EXECUTED_COMMENT = re.compile(r"/\*M?!\d*(.*?)\*/", re.DOTALL)


@lru_cache(maxsize=2048)
def is_write(sql: str) -> bool:
    """Whether a read-only server refuses *sql*, of one statement or several."""
    sql = EXECUTED_COMMENT.sub(r" \1 ", sql)
    first = _FIRST_WORD.match(sql)
    # most statements are plain SELECTs, and to tokenize a long one takes a while
    if first is not None and first[1].upper() == "SELECT" and not re.search(r";|\bupdate\b", sql, re.IGNORECASE):
        return False
    return any(_is_write(words) for words in _statements(sql))


def body_writes(body: str) -> bool:
    """Whether the text of a stored program has a statement that a read-only server refuses, in whichever branch.

    Rows of a temporary table that the program makes are no writes. Statements that it prepares as it runs are not seen.
    """
    parts = list(_statements(EXECUTED_COMMENT.sub(r" \1 ", body), _STARTS))
    temporary = {name for words in parts if (name := _made_temporary(words))}
    return any(_part_writes(words) and _target(words) not in temporary for words in parts)


def _part_writes(words: list[str]) -> bool:
    is_handler = words[:1] == ["DECLARE"] and any(word.startswith("HANDLER") for word in words)
    return _is_write(words) or "FOR UPDATE" in words or (is_handler and not _WRITES.isdisjoint(words))


def _made_temporary(words: list[str]) -> str:
    """The table that a CREATE TEMPORARY TABLE makes; empty for another statement."""
    flat = " ".join(words).replace("OR REPLACE ", "").split()
    is_made = flat[:3] == ["CREATE", "TEMPORARY", "TABLE"]
    return _target(flat[2:]) if is_made else ""


def _target(words: list[str]) -> str:
    """The table that a statement writes to first."""
    return next((word for word in " ".join(words).split()[1:] if word not in _BEFORE_TABLE), "")


def _statements(sql: str, starts: frozenset[str] = frozenset()) -> Iterator[list[str]]:
    """The words of each statement outside of parentheses, in upper case. Of subqueries only a closing FOR UPDATE counts.

    Another one follows each word in *starts*, as in a stored program, in which quoted names stay.
    """
    words: list[str] = []
    depth, before = 0, ""
    for kind, value in lexer.tokenize(sql):  # type: ignore[no-untyped-call]  # sqlparse has no annotations
        if kind in tokens.Whitespace or kind in tokens.Comment:
            continue
        word = " ".join(value.upper().split())
        if kind is tokens.Punctuation and word in ("(", ")"):
            if word == "(" and depth <= 0 and words[not starts :] and words[-1] in _WRITES:
                words[-1] = "?"  # the function REPLACE() or INSERT()
            depth += 1 if word == "(" else -1
        elif depth <= 0 and ((kind is tokens.Punctuation and word == ";") or word in starts):
            yield words
            words = []
        elif depth <= 0 or not words or (word == "UPDATE" and before == "FOR"):
            is_name = kind in tokens.Literal or value[:1] in "`\"'"
            shown = word.strip("`") if starts and value[:1] == "`" and word.strip("`") not in _WRITES else "?"
            words.append(shown if is_name else f"FOR {word}" if before == "FOR" else word)
        before = word
    yield words


def _is_write(words: list[str]) -> bool:
    words = words or [""]
    first, rest = words[0].split()[0] if words[0] else "", words[1:]
    if first in ("CREATE", "DROP"):
        return "TEMPORARY" not in rest[:1] and not _follows(words, ("OR", "REPLACE", "TEMPORARY"))
    if first in _WRITES:
        return True
    if first in ("SELECT", "TABLE", "VALUES"):
        return "FOR UPDATE" in rest
    if first in ("WITH", "EXPLAIN", "DESCRIBE", "DESC") or (first == "ANALYZE" and "TABLE" not in rest[:2]):
        return "FOR UPDATE" in rest or any(word in _WRITES for word in rest)
    if first == "LOCK":
        return "WRITE" in rest
    return first == "ANALYZE" or (first == "SET" and rest[:1] == ["PASSWORD"])


def _follows(words: Iterable[str], expected: tuple[str, ...]) -> bool:
    flat = " ".join(words).split()
    return tuple(flat[1 : 1 + len(expected)]) == expected
