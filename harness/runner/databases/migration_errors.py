"""Reports the migration that is being applied to the template, and names the one that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Any

from django.db import DatabaseError

from ...errors import HarnessError, ProjectError
from ...protocol.events import Event, PhaseProgressed
from .. import private_apis
from ..failures import import_advice, message_of, project_traceback, type_name
from ..sql.known_errors import advice
from ..sql.statement_log import StatementLog
from ..templates import denied
from ..templates.steps import timed

SQL_CHARACTERS = 4000
REPORT_EVERY_S = 2.0


class Progress:
    """Calls *report* with the migration that is being applied, at most once every ``REPORT_EVERY_S`` seconds.

    A migration that begins sooner after the last report is reported with its next statement, so that a long migration never
    hides behind a short one.
    """

    def __init__(self, report: Callable[[PhaseProgressed], None], clock: Callable[[], float] = monotonic) -> None:
        self._report = report
        self._clock = clock
        self._reported_at = clock()
        self._number = self._total = 0
        self._pending: PhaseProgressed | None = None

    def plan(self, _connection: Any, migrations: int) -> None:
        """Start counting a database's *migrations*, so many in all."""
        self._number, self._total = 0, migrations

    def step(self, connection: Any, migration: Any) -> None:
        """*migration* is about to be applied."""
        self._number += 1
        text = f"{connection.alias}: migration {migration}"
        self._pending = PhaseProgressed("template", text, self._number, max(self._total, self._number))
        self.tick()

    def tick(self, _connection: Any = None) -> None:
        """Report the pending migration, if it is time."""
        now = self._clock()
        if self._pending is not None and now - self._reported_at >= REPORT_EVERY_S:
            self._reported_at = now
            event, self._pending = self._pending, None
            self._report(event)


@contextmanager
def reported(statement_log: StatementLog, report: Callable[[Event], None]) -> Iterator[None]:
    """Report the progress and the times of migrations to *report* during the block, a ``setup_databases``, and turn an
    exception of it into a ``ProjectError`` that names the migration and the statement.
    """
    progress = Progress(report)
    statement_log.before, statement_log.last_error = progress.tick, None
    unwatch = private_apis.watch_migrations(progress.plan, progress.step)
    try:
        with timed(report) as step, denied.recorded(step):
            yield
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        # Django's backends print the exception of a CREATE DATABASE and exit as they handle it
        reason = error.__context__ if isinstance(error, SystemExit) and error.__context__ else error
        migration = _migration_of(error.__traceback__)
        sql, message = statement_log.last_error or ("", "")
        statement = sql and f"{sql[:SQL_CHARACTERS]}\n-- {message}"
        failed = f"Migration {migration} failed" if migration else "The test databases could not be set up"
        raise ProjectError(
            f"{failed}: {type_name(type(reason))}: {message_of(reason)}".rstrip(": "),
            hint=advice(reason) or import_advice(reason) or _hint(migration, reason),
            evidence="\n".join(filter(None, [statement, project_traceback(reason)])),
        ) from error
    finally:
        unwatch()
        statement_log.before = None


def _hint(migration: str, reason: BaseException) -> str:
    if migration:
        return "It fails on an empty database: run manage.py migrate on one to see the same."
    if isinstance(reason, DatabaseError):
        return "Does DATABASES ask for something that the server does not have?"
    return "The traceback ends in the code that raised it. Does `manage.py test` come further?"


def _migration_of(tb: TracebackType | None) -> str:
    """``app.name`` of the innermost migration that was being applied; empty if there was none."""
    found = ""
    while tb is not None:
        frame = tb.tb_frame
        if frame.f_code.co_name == "apply_migration" and "migration" in frame.f_locals:
            found = str(frame.f_locals["migration"])
        tb = tb.tb_next
    return found
