"""Blames what goes wrong while the template is made: on the migration, with its SQL, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from ..errors import HarnessError, ProjectError
from . import gtid
from .failures import project_traceback, type_name
from .sqllog import SqlLog

SQL_CHARACTERS = 4000


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
