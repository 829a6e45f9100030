"""The making of the template, watched: which migration it is at, and which one is to blame for what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Any

from ..contract.events import PhaseProgressed
from ..errors import HarnessError, ProjectError
from . import gtid, private
from .failures import project_traceback, type_name
from .sqllog import SqlLog

SQL_CHARACTERS = 4000
TELL_EVERY_S = 2.0


class Progress:
    """Tells *tell*, not more often than every ``TELL_EVERY_S`` seconds, which migration is being applied.

    One that begins sooner after the last that was told is told with its next statement, so that a long one never hides
    behind a short one.
    """

    def __init__(self, tell: Callable[[PhaseProgressed], None], clock: Callable[[], float] = monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._told_at = clock()
        self._number = self._total = 0
        self._untold: PhaseProgressed | None = None

    def plan(self, _connection: Any, migrations: int) -> None:
        """A database gets so many *migrations*."""
        self._number, self._total = 0, migrations

    def step(self, connection: Any, migration: Any) -> None:
        """*migration* is about to be applied."""
        self._number += 1
        text = f"{connection.alias}: migration {migration}"
        self._untold = PhaseProgressed("template", text, self._number, max(self._total, self._number))
        self.tick()

    def tick(self, _connection: Any = None) -> None:
        """Tell what is untold, if it is time."""
        now = self._clock()
        if self._untold is not None and now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            event, self._untold = self._untold, None
            self._tell(event)


@contextmanager
def watched(sqllog: SqlLog, tell: Callable[[PhaseProgressed], None]) -> Iterator[None]:
    """Tell how far the migrations are."""
    progress = Progress(tell)
    sqllog.before = progress.tick
    unwatch = private.watch_migrations(progress.plan, progress.step)
    try:
        yield
    finally:
        unwatch()
        sqllog.before = None


@contextmanager
def blamed(sqllog: SqlLog) -> Iterator[None]:
    """Turn what ``setup_databases`` raises into a ``ProjectError`` that says where to look."""
    sqllog.last_error = None
    try:
        yield
    except HarnessError:
        raise
    except SystemExit as error:  # Django's backends print what was wrong and leave
        raise ProjectError(
            f"Django could not create a test database (it exited with {error.code}).",
            hint="Its own words are above, on the runner's error stream.",
            evidence=_last_statement(sqllog),
        ) from error
    except Exception as error:
        migration = _migration_of(error.__traceback__)
        what = f"Migration {migration} failed" if migration else "The test databases could not be set up"
        raise ProjectError(
            f"{what}: {type_name(type(error))}: {error}".rstrip(),
            hint=gtid.advice(error) or _hint(migration),
            evidence="\n".join(filter(None, [_last_statement(sqllog), project_traceback(error)])),
        ) from error


def _hint(migration: str) -> str:
    if migration:
        return "It fails on an empty database: run manage.py migrate on one to see the same."
    return "Does DATABASES ask for something that the server does not have?"


def _migration_of(tb: TracebackType | None) -> str:
    """``app.name`` of the migration that was being applied, innermost."""
    found = ""
    while tb is not None:
        frame = tb.tb_frame
        if frame.f_code.co_name == "apply_migration" and "migration" in frame.f_locals:
            found = str(frame.f_locals["migration"])
        tb = tb.tb_next
    return found


def _last_statement(sqllog: SqlLog) -> str:
    if sqllog.last_error is None:
        return ""
    sql, message = sqllog.last_error
    return f"{sql[:SQL_CHARACTERS]}\n-- {message}"
