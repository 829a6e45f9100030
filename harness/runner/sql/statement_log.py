"""Records the SQL of each attempt, and sums up all statements of a worker.

Hooks Django's cursors at their innermost execution, below every wrapper of the project's own, so that the time is the
database's. The log holds statements as they were sent (and the beginning of large parameters), and renders them only when a
test is red.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...protocol.results import QueryCount, Statement
from .. import private_apis, unpatched
from ..failures import message_of
from ..text import cut
from .crash_safe_log import CONNECT, CrashSafeLog
from .known_errors import advice
from .parameters import literal, shortened, shown
from .routing import Routing

HEAD = 1000
"""The log has the first ``HEAD`` statements of an attempt, and the last ``TAIL`` of the rest."""
TAIL = 1000
STATEMENT_CHARACTERS = 20_000
TESTS_NAMED = 20
DISTINCT_STATEMENTS = 20_000

_LISTS = re.compile(r"\((?:\s*(?:%s|\?)\s*,)+\s*(?:%s|\?)\s*\)")
_STRINGS = re.compile(r"'(?:[^']|'')*'")
_NUMBERS = re.compile(r"(?<![\w\"`$.])-?\d+(?:\.\d+)?(?![\w\"`])")
_SAVEPOINTS = re.compile(r"\b(s\d+_x\d+)\b")
_SPACE = re.compile(r"\s+")


def fingerprint(sql: str) -> str:
    """*sql* with its literals, lists of parameters, savepoint names and white space normalised."""
    sql = _SAVEPOINTS.sub("?", sql)
    sql = _STRINGS.sub("?", sql)
    sql = _NUMBERS.sub("?", sql)
    sql = _LISTS.sub("(...)", sql)
    return _SPACE.sub(" ", sql).strip()


class StatementLog:
    """Records the statements of the running attempt, and counts the statements of all attempts.

    ``before`` is called with the connection before each statement: mirrors wait there, which delays the statement; an exception
    from it is the statement's error. ``on_error`` is called with the connection, the text and the exception of a statement that
    failed. ``roles`` has the current role of the server behind each alias. ``routing`` sums up where the statements of tests go;
    ``None`` without mirrors. ``trace`` is called with each entry of a test, of which ``rendered`` makes the statement.
    """

    def __init__(self) -> None:
        self.before: Callable[[Any], None] | None = None
        self.on_error: Callable[[Any, str, BaseException], None] | None = None
        self.roles: dict[str, str] = {}
        self.routing: Routing | None = None
        self.trace: Callable[[tuple[Any, ...]], None] | None = None
        self.crash_log: CrashSafeLog | None = None
        self.last_error: tuple[str, str] | None = None
        self._test = ""
        self._start = 0.0
        self._head: list[tuple[Any, ...]] = []
        self._tail: deque[tuple[Any, ...]] = deque(maxlen=TAIL)
        self._left_out = 0
        self._counts: dict[tuple[str, str], list[Any]] = {}

    def begin(self, test: str) -> None:
        """Record the following statements as those of *test*."""
        self._test = test
        self._start = unpatched.time.perf_counter()
        if self.crash_log is not None:
            self.crash_log.begin()
        if self.routing is not None:
            self.routing.begin(test)
        if self._head:
            self._head = []
            self._tail.clear()
            self._left_out = 0

    def reset(self) -> None:
        """Forget everything: this process is a new worker."""
        self._counts.clear()
        self.last_error = None
        self.end()

    def end(self, *, has_passed: bool = False) -> None:
        """Count the following statements without recording them: no test runs. *has_passed*: a test did, and passed."""
        if self.routing is not None and self._test:
            self.routing.end(has_passed=has_passed)
        self._test = ""

    def statements(self) -> tuple[Statement, ...]:
        """The attempt's statements, parameters rendered: the first ``HEAD`` and the last ``TAIL``."""
        rendered = [_render(entry, self._start) for entry in self._head]
        if self._left_out:
            rendered.append(Statement(0.0, "", "", f"-- {self._left_out} statements left out", 0.0))
        rendered.extend(_render(entry, self._start) for entry in self._tail)
        return tuple(rendered)

    def rendered(self, entry: tuple[Any, ...]) -> Statement:
        """The statement of *entry*."""
        return _render(entry, self._start)

    def counts(self) -> tuple[QueryCount, ...]:
        """All statements that were run, by fingerprint."""
        merged: dict[tuple[str, str], list[Any]] = {}
        for (alias, sql), (count, total, slowest, tests) in self._counts.items():
            row = merged.setdefault((alias, fingerprint(sql)), [0, 0.0, 0.0, {}])
            row[0] += count
            row[1] += total
            row[2] = max(row[2], slowest)
            row[3].update(tests)
        return tuple(
            QueryCount(cut(text, 2000), alias, count, round(total, 6), round(slowest, 6), tuple(tests)[:TESTS_NAMED])
            for (alias, text), (count, total, slowest, tests) in merged.items()
        )

    def record(
        self, db: Any, sql: Any, params: Any, start: float, error: BaseException | None = None, number: int = 0
    ) -> None:
        """Record a statement that has ended. *start* is of ``time.perf_counter``, *number* the crash-safe log's."""
        duration = unpatched.time.perf_counter() - start
        sent = sql if type(sql) is str else _as_text(sql, db)
        text = cut(sent, STATEMENT_CHARACTERS)
        alias = db.alias
        # the text alone: the exception would keep its frames alive, and all objects in them
        message = "" if error is None else message_of(error)
        if error is not None:
            self.last_error = (text, message)
        if number and self.crash_log is not None:
            self.crash_log.record_answer(number, duration, message)
        key = (alias, text)
        row = self._counts.get(key)
        if row is None:
            if len(self._counts) >= DISTINCT_STATEMENTS:
                key = (alias, "(other statements)")
            row = self._counts.setdefault(key, [0, 0.0, 0.0, {}])
        row[0] += 1
        row[1] += duration
        row[2] = max(row[2], duration)
        if not self._test:
            return
        if len(row[3]) < TESTS_NAMED:
            row[3][self._test] = None
        short = shortened(params)
        role = self.roles.get(alias, "primary")
        if self.routing is not None:
            self.routing.note(db, role, text, has_failed=error is not None)
        entry = (db, alias, role, text, text is not sent, short, short is params, start, duration, message)
        if self.trace is not None:
            self.trace(entry)
        if len(self._head) < HEAD:
            self._head.append(entry)
        else:
            self._left_out += len(self._tail) == TAIL
            self._tail.append(entry)

    def install(self) -> None:
        """Hook every cursor and every transaction boundary of this process, once."""

        def around_boundary(boundary: Callable[..., Any]) -> Callable[..., Any]:
            @contextmanager
            def hooked(connection: Any, sql: str) -> Iterator[None]:
                start = unpatched.time.perf_counter()
                number = self._record_sent(connection, sql, None, start)
                with boundary(connection, sql):
                    yield
                self.record(connection, sql, None, start, number=number)

            return hooked

        private_apis.hook_cursors(self._timed, around_boundary)

    def use(self, crash_log: CrashSafeLog) -> None:
        """Record this worker's statements in *crash_log* too, and the connections that it opens."""
        self.crash_log = crash_log
        private_apis.hook_connect(self._timed_connect)

    def _timed(self, cursor: Any, run: Callable[..., Any], sql: Any, params: Any, rest: Any) -> Any:
        start = unpatched.time.perf_counter()
        number = self._record_sent(cursor.db, sql, params, start)
        try:
            if self.before is not None:
                self.before(cursor.db)
                start = unpatched.time.perf_counter()
            through = getattr(cursor.db, "run_read_only", None)  # of a mirror on its primary's connection
            result = through(run, cursor, sql, params, rest) if through else run(cursor, sql, params, *rest)
        except BaseException as error:
            self.record(cursor.db, sql, params, start, error, number=number)
            if note := advice(error):
                error.add_note(note)  # it is printed with the traceback, wherever the error ends up
            if self.on_error is not None and self.last_error is not None:
                self.on_error(cursor.db, self.last_error[0], error)
            raise
        self.record(cursor.db, sql, params, start, number=number)
        return result

    def _timed_connect(self, connect: Callable[..., Any], connection: Any) -> Any:
        """Record in the crash-safe log that a connection is being opened: a server that is gone may never answer."""
        start = unpatched.time.perf_counter()
        number = self._record_sent(connection, CONNECT, None, start)
        try:
            return connect(connection)
        finally:
            if number and self.crash_log is not None:
                self.crash_log.record_answer(number, unpatched.time.perf_counter() - start)

    def _record_sent(self, db: Any, sql: Any, params: Any, start: float) -> int:
        if self.crash_log is None or not self._test:
            return 0
        text = sql if type(sql) is str else _as_text(sql, db)
        return self.crash_log.record_sent(
            start - self._start, db.alias, self.roles.get(db.alias, "primary"), text, params
        )


def _as_text(sql: Any, db: Any) -> str:
    """The text of a statement that is not a string: psycopg's ``sql.Composed``, a lazy string."""
    try:
        if hasattr(sql, "as_string"):
            return str(sql.as_string(db.connection))
        return str(sql)
    except Exception:  # noqa: BLE001 - the driver may raise anything, and the log goes on
        return repr(sql)


def _render(entry: tuple[Any, ...], begin: float) -> Statement:
    db, alias, role, sql, is_cut, params, are_whole, start, duration, message = entry
    text, parameters = sql, ""
    if params:
        try:
            text = str(_compose(db, sql, params))
        except Exception:  # noqa: BLE001 - a value that cannot be adapted is often why the test failed
            parameters = shown(params)
    is_partial = is_cut or len(text) > STATEMENT_CHARACTERS
    text = cut(text, STATEMENT_CHARACTERS)
    if not are_whole:
        text += " -- of large parameters the beginning"
    return Statement(
        at=round(start - begin, 6),
        alias=alias,
        role=role,
        sql=text,
        duration=round(duration, 6),
        error=cut(message, 2000),
        is_partial=is_partial,
        parameters=parameters,
    )


def _compose(db: Any, sql: str, params: Any) -> Any:
    if hasattr(db.ops, "compose_sql"):  # PostgreSQL: the driver quotes as it does when it sends
        return db.ops.compose_sql(sql, params)
    values = params.values() if isinstance(params, dict) else params
    quoted = [literal(value, has_escapes=db.vendor == "mysql") for value in values]
    return sql % (dict(zip(params, quoted, strict=True)) if isinstance(params, dict) else tuple(quoted))
