"""Definitions as MySQL and MariaDB tell them, put right for being run again, in another database. Pure.

What is put right is what a server tells wrong: names and comments in another character set than the text around them,
literals that are not written in the author's mode, names of a database that is not the clone's.
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
    """*sql*, in which the server has written ``old`` in front of names, for the database *new*. Literals stay."""

    def replace(match: re.Match[str]) -> str:
        return f"{quote(new)}." if match["dot"] and match["name"] == quote(old) else match[0]

    return _QUOTED.sub(replace, sql)


def as_pattern(database: str) -> str:
    """*database* as a grant has it: unless it is escaped, "_" stands for any character there."""
    return database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def granted(grant: str, databases: Iterable[str]) -> bool:
    """Whether *grant*, a GRANT as the server tells it, is on one of *databases* or on a part of one."""
    wanted = {quote(database) for database in databases}
    return any(match["dot"] and match["name"] in wanted for match in _QUOTED.finditer(grant))


def plain_trigger(text: str, name: str, timing: str, event: str, table: str, *, database: str) -> str:
    """*text*, a trigger's definition, for whatever database is in use. MariaDB gives it as it was written, and it may have been
    written with the name of *database*. See also ``named``.
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
    """*text*, the definition of a routine or an event, with its *name* in it. The server tells the name in its own character
    set amid text of the author's, and what comes of that is another name where it is not ASCII.
    """
    if text.isascii():
        return text
    return _NAMED.sub(lambda match: match["head"] + quote(name), text, count=1)


def escaped(text: str) -> str:
    """*text* as a literal that the server writes."""
    return "'" + "".join(_ESCAPES.get(character, character) for character in text) + "'"


def plain_literal(text: str) -> str:
    """*text* as a literal in the mode NO_BACKSLASH_ESCAPES."""
    return "'" + text.replace("'", "''") + "'"


def parsable(event: str, mode: str) -> str:
    """*event*, a definition, without what its *mode* does not parse, and means nothing: the server tells each default."""
    return event.replace(" ON COMPLETION NOT PRESERVE", "", 1) if "HIGH_NOT_PRECEDENCE" in mode else event


def commented(text: str, comment: str, mode: str) -> str:
    """*text*, a definition written in *mode*, with its *comment*: the server tells it with backslashes, whatever the mode, and
    in another character set than the text around it.
    """
    literal = plain_literal(comment) if "NO_BACKSLASH_ESCAPES" in mode else escaped(comment)
    return _COMMENT.sub(lambda _: f"COMMENT {literal}", text, count=1) if comment else text


def with_row_format(create: str, row_format: str) -> str:
    """*create*, of an InnoDB table that got its row format by the server's default of that time, with that format said."""
    head, engine, tail = create.rpartition(_INNODB)
    return f"{head}{engine} ROW_FORMAT={row_format.upper()}{tail}" if engine else create


def without_counter(create: str) -> str:
    """*create*, of whatever table, without the counter of an ARCHIVE one, which takes no value below it: it counts on from what
    is copied.
    """
    return _COUNTER.sub("\n) ENGINE=ARCHIVE", create)
