"""Rewrites definitions that MySQL and MariaDB report, so that they run again in another database. Pure.

Corrects errors of the server's report: names and comments in another character set than the text around them, literals that are
not written in the author's mode, names of a database other than the clone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_QUOTED = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|(?P<name>`(?:[^`]|``)+`)(?P<dot>\.)?""", re.DOTALL)
_NAME = r"""(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^\s`"@.]+)"""
_TRIGGER = re.compile(
    rf"""CREATE\s+(?P<definer>DEFINER\s*=\s*{_NAME}(?:@{_NAME})?)\s
    (?P<target>(?>`(?:[^`]|``)*`|"(?:[^"]|"")*"|/\*.*?\*/|(?:--\s|\#)[^\n]*\n|.)*?)
    \bFOR(?:\s|/\*.*?\*/)+EACH(?:\s|/\*.*?\*/)+ROW\b(?P<body>.*)""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_NAMED = re.compile(
    rf"(?P<head>CREATE\s+(?:DEFINER\s*=\s*{_NAME}(?:@{_NAME})?\s+)?(?:AGGREGATE\s+)?"
    rf"(?:PROCEDURE|FUNCTION|EVENT|PACKAGE(?:\s+BODY)?)\s+){_NAME}",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"\bCOMMENT '(?:[^'\\]|\\.|'')*'", re.DOTALL)
_COUNTER = re.compile(r"\n\) ENGINE=ARCHIVE AUTO_INCREMENT=\d+")
_INNODB = "\n) ENGINE=InnoDB"
_ESCAPES = {"\\": "\\\\", "\0": "\\0", "\n": "\\n", "\r": "\\r", "'": "''"}


def quote(name: str) -> str:
    """*name* as an identifier."""
    return "`" + name.replace("`", "``") + "`"


def moved(sql: str, old: str, new: str) -> str:
    """*sql* with the database name *old*, which the server wrote before other names, replaced by *new*. Literals stay."""

    def replace(match: re.Match[str]) -> str:
        return f"{quote(new)}." if match["dot"] and match["name"] == quote(old) else match[0]

    return _QUOTED.sub(replace, sql)


def as_pattern(database: str) -> str:
    """*database* as a grant names it, with ``_`` and ``%`` escaped: there "_" stands for any character."""
    return database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def granted(grant: str, databases: Iterable[str]) -> bool:
    """Whether *grant*, a GRANT statement from the server, is on one of *databases* or on an object in one."""
    wanted = {quote(database) for database in databases}
    return any(match["dot"] and match["name"] in wanted for match in _QUOTED.finditer(grant))


def plain_trigger(text: str, name: str, timing: str, event: str, table: str, *, database: str) -> str:
    """*text*, a trigger's definition, without the name of *database*, so that it runs in any database. MariaDB reports a
    trigger as it was written, which may be with that name. See also ``named``.
    """
    match = _TRIGGER.match(text)
    if match is None or (
        text.isascii() and not {database, quote(database)[1:-1]}.intersection(_words(match["target"]))
    ):
        return text
    head = f"CREATE {match['definer']} TRIGGER {quote(name)} {timing} {event} ON {quote(table)} FOR EACH ROW"
    return head + match["body"]


def _words(sql: str) -> set[str]:
    return {word.strip('`"') for word in re.findall(rf"{_NAME}(?=\s*\.)", sql)}


def named(text: str, name: str) -> str:
    """*text*, the definition of a routine or an event, with its *name* in it. The server writes the name in its own character
    set into text in the author's, which garbles a name that is not ASCII.
    """
    if text.isascii():
        return text
    return _NAMED.sub(lambda match: match["head"] + quote(name), text, count=1)


def escaped(text: str) -> str:
    """*text* as a literal with backslash escapes, as the server writes it."""
    return "'" + "".join(_ESCAPES.get(character, character) for character in text) + "'"


def plain_literal(text: str) -> str:
    """*text* as a literal in the mode NO_BACKSLASH_ESCAPES."""
    return "'" + text.replace("'", "''") + "'"


def parsable(event: str, mode: str) -> str:
    """*event*, a definition, without the clause of a default that its *mode* cannot parse; the server writes every default."""
    return event.replace(" ON COMPLETION NOT PRESERVE", "", 1) if "HIGH_NOT_PRECEDENCE" in mode else event


def commented(text: str, comment: str, mode: str) -> str:
    """*text*, a definition written in *mode*, with its *comment* corrected: the server writes it with backslashes in every
    mode, and in another character set than the text around it.
    """
    literal = plain_literal(comment) if "NO_BACKSLASH_ESCAPES" in mode else escaped(comment)
    return _COMMENT.sub(lambda _: f"COMMENT {literal}", text, count=1) if comment else text


def with_row_format(create: str, row_format: str) -> str:
    """*create*, of an InnoDB table with an earlier default of the server as its row format, with that format stated."""
    head, engine, tail = create.rpartition(_INNODB)
    return f"{head}{engine} ROW_FORMAT={row_format.upper()}{tail}" if engine else create


def without_counter(create: str) -> str:
    """*create*, of any table, without the counter of an ARCHIVE table, which accepts no value below its counter: it counts on
    from the copied rows.
    """
    return _COUNTER.sub("\n) ENGINE=ARCHIVE", create)
