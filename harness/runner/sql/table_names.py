"""Finds the tables that a statement reads and writes, from its text. Pure.

Made for the SQL that Django writes: a name after ``FROM``, ``JOIN``, ``INTO`` or ``UPDATE``. Not seen are tables that only a
function, a procedure, a view or a trigger uses, a second table after a comma, and the middle of a text of more than 20,000
characters.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = r'(?:"(?:[^"]|"")+"|`[^`]+`|\[[^\]]+\]|[^\W\d][\w$]*)'
_TABLE = rf"({_NAME}(?:\s*\.\s*{_NAME})*)"
_FLAGS = re.IGNORECASE
_NOISE = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/"  # literals and comments
    r"|\b(?:EXTRACT|TRIM|SUBSTRING|OVERLAY)\s*\([^()]*?\bFROM\b|\bDISTINCT\s+FROM\b",  # FROM without a table
    _FLAGS | re.DOTALL,
)
_FIRST_WORD = re.compile(r"[\s(]*(\w+)")
_SOURCE = re.compile(
    rf"\b(?:FROM|JOIN)\s+(?:(?:ONLY|LATERAL)\s+)?(?!(?:ONLY|LATERAL)\b){_TABLE}(?![\w$]|\s*[.(])", _FLAGS
)
_TARGET = re.compile(
    r"\b(?:INTO(?:\s+TABLE)?|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|(?<!FOR )(?<!KEY )(?<!DO )(?<!ON )UPDATE"
    r"|(?:CREATE|ALTER|DROP)\s+(?:TEMP(?:ORARY)?\s+|UNLOGGED\s+)?TABLE(?:\s+IF(?:\s+NOT)?\s+EXISTS)?)"
    rf"\s+(?:(?:ONLY|IGNORE|LOW_PRIORITY)\s+)*{_TABLE}",
    _FLAGS,
)
_COPIED = re.compile(rf"\s*COPY\s+{_TABLE}\s*(?:\([^()]*\))?\s*FROM\b", _FLAGS)
_NAMED_QUERY = re.compile(rf"({_NAME})(?:\s*\([^()]*\))?\s+AS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(", _FLAGS)
_PARTS = re.compile(_NAME)
_READS = frozenset({"SELECT", "TABLE", "VALUES", "EXPLAIN"})
_WRITES = frozenset(
    {"INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "TRUNCATE", "LOAD", "CREATE", "ALTER", "DROP", "COPY"}
)
_CATALOGUES = ("information_schema", "performance_schema", "pg_catalog", "mysql", "sys")
_CATALOGUE_TABLES = ("pg_", "sqlite_")


class Tables(NamedTuple):
    """The tables that a statement reads and those that it writes, each once, in the order of the text."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


NONE = Tables()
"""Those of a statement that names none: ``BEGIN``, ``SET``, ``SELECT 1``."""


def tables_of(sql: str) -> Tables:
    """The tables of *sql*, without quotes, as ``table`` or ``schema.table``; none of the server's own catalogue."""
    text = " ".join(_NOISE.sub(" ", sql).split())
    first = _FIRST_WORD.match(text)
    word = first[1].upper() if first else ""
    if word in _READS:
        return Tables(_names(_SOURCE.findall(text)))
    if word not in _WRITES and word != "WITH":
        return NONE
    if word == "COPY":
        return Tables((), _names(_COPIED.findall(text)))
    named = {_unquoted(each) for each in _NAMED_QUERY.findall(text)} if word == "WITH" else set()
    writes = _names(_TARGET.findall(text))[: None if named else 1]
    reads = _names(_SOURCE.findall(_TARGET.sub(" ", text)))
    return Tables(tuple(name for name in reads if name not in named), writes)


def _names(found: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in found if not _is_of_catalogue(name := _unquoted(each))))


def _unquoted(table: str) -> str:
    parts = (part.strip('"`[]').replace('""', '"') for part in _PARTS.findall(table))
    return ".".join(parts)


def _is_of_catalogue(name: str) -> bool:
    schema, _, table = name.lower().rpartition(".")
    return schema in _CATALOGUES or table.startswith(_CATALOGUE_TABLES)
