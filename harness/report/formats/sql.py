"""The SQL of failing tests as files that a client program can run, and the queries of the whole run. Pure text.

Owns the format of ``sql/TEST-ID.sql`` and of ``sql/queries.ndjson``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator

from harness.protocol import naming
from harness.protocol.results import QueryCount, Statement
from harness.report.model.phrases import LABELS, headline
from harness.report.model.run_report import Attempt, Case, RunReport
from harness.report.model.text import one_line, plural, visible

_BEGINS = re.compile(r"\s*(BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_ENDS = re.compile(r"\s*(COMMIT|ROLLBACK|END)\b(?!\s+(WORK\s+)?TO\b)", re.IGNORECASE)
_SAVEPOINT = re.compile(r"\s*SAVEPOINT\b", re.IGNORECASE)
_NUL = "\0"


def files(report: RunReport) -> Iterator[tuple[str, str]]:
    """The path and the text of the file of each test with a red attempt that has SQL, flaky ones too.

    Each statement is under its duration, alias and role.
    """
    for case in report.cases:
        if texts := [_attempt_text(case, attempt) for attempt in case.red_attempts if attempt.sql]:
            yield naming.sql_file(case.test.id), "\n".join(texts)


def paths(report: RunReport, folder: str, written: Collection[str]) -> dict[str, str]:
    """The SQL file of each red test by test id, below *folder*, if it is one of the files *written*."""
    known = set(written)
    return {case.test.id: f"{folder}/{file}" for case in report.red if (file := naming.sql_file(case.test.id)) in known}


def queries_text(queries: Iterable[QueryCount]) -> str:
    """One line of JSON for each fingerprint and alias, in the given order."""
    return "".join(
        json.dumps(
            {
                "fingerprint": query.fingerprint,
                "alias": query.alias,
                "count": query.count,
                "total_s": round(query.total, 6),
                "slowest_s": round(query.slowest, 6),
                "tests": list(query.tests),
            }
        )
        + "\n"
        for query in queries
    )


def seconds(value: float) -> str:
    """*value* seconds with a readable unit: ``0.8 ms``, ``1.250 s``."""
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.3f} s"


def _attempt_text(case: Case, attempt: Attempt) -> str:
    total = sum(statement.duration for statement in attempt.sql)
    head = [
        one_line(case.test.id, 1000),
        f"{LABELS[attempt.outcome]}, attempt {attempt.n} of {max(len(case.attempts), attempt.n)}, slot {attempt.slot},"
        f" {seconds(attempt.duration)}",
        one_line(headline(attempt), 1000),
        f"{plural(len(attempt.sql), 'statement')} in {seconds(total)}, parameters rendered",
    ]
    lines = [f"-- {line}" for line in head]
    open_aliases: set[str] = set()
    for number, statement in enumerate(attempt.sql, 1):
        lines.append("")
        lines.extend(_statement_lines(number, statement, open_aliases))
    return "\n".join(lines) + "\n"


def _statement_lines(number: int, statement: Statement, open_aliases: set[str]) -> Iterator[str]:
    """One statement and the comments above it. *open_aliases*: those in a transaction; updated here."""
    alias = statement.alias
    begins, ends = _BEGINS.match(statement.sql), _ENDS.match(statement.sql)
    if alias not in open_aliases and _SAVEPOINT.match(statement.sql):
        yield f"-- ======== {one_line(alias)}: in a transaction that began before the test, with its class ========"
        open_aliases.add(alias)
    if alias and begins:
        yield f"-- ======== {one_line(alias)}: transaction begins ========"
    if alias:
        inside = ", in a transaction" if alias in open_aliases and not ends else ""
        yield (
            f"-- [{number}] {one_line(alias)} ({one_line(statement.role)}), {seconds(statement.duration)},"
            f" at +{statement.at:.3f} s{inside}"
        )
    if statement.error:
        yield from (f"-- ERROR: {line}" for line in visible(statement.error).split("\n"))
    yield _terminated(statement.sql) if statement.is_whole else _commented(statement)
    if alias and begins:
        open_aliases.add(alias)
    elif alias and ends:
        open_aliases.discard(alias)
        yield f"-- ======== {one_line(alias)}: transaction ends ========"


def _commented(statement: Statement) -> str:
    """A statement that is not whole, as a comment: an open quote in it would swallow all that follows."""
    text = visible(statement.sql.replace(_NUL, "\\x00").strip())
    if statement.parameters:
        text += f"\nparameters: {visible(statement.parameters)}"
    return "\n".join(f"-- {line}" for line in text.split("\n"))


def _terminated(sql: str) -> str:
    """*sql* with one semicolon at its end, not inside a comment; a comment alone stays as it is."""
    sql = sql.replace(_NUL, "\\x00").strip().rstrip(";").rstrip()
    last = sql.rpartition("\n")[2]
    if "--" not in last and "#" not in last:
        return f"{sql};"
    if all(not line.strip() or line.lstrip().startswith("--") for line in sql.split("\n")):
        return sql
    return f"{sql}\n;"
