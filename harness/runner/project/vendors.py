"""The vendor of a database backend: by its name, by importing it, or in a fork with the project's apps loaded."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
from collections.abc import Mapping
from typing import NoReturn

import django
from django.core.exceptions import AppRegistryNotReady
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from ...errors import ProjectError
from ..failures import causes, import_advice, project_traceback, type_name

_VENDORS = {
    "django.db.backends.postgresql": "postgresql",
    "django.db.backends.postgresql_psycopg2": "postgresql",  # its name until Django 1.9, which Django still takes
    "django.contrib.gis.db.backends.postgis": "postgresql",
    "django.db.backends.mysql": "mysql",
    "django.contrib.gis.db.backends.mysql": "mysql",
    "django.db.backends.sqlite3": "sqlite",
    "django.contrib.gis.db.backends.spatialite": "sqlite",
    "django.db.backends.oracle": "oracle",
    "django.contrib.gis.db.backends.oracle": "oracle",
    "django.db.backends.dummy": "dummy",
}


def vendor_of(alias: str, backend: str) -> str:
    """The vendor of *backend*, the ``ENGINE`` of *alias*. Django's own backends are not imported: their driver may be missing
    in a run that needs none. Raises ``ProjectError`` for a backend that cannot be loaded.
    """
    if backend in _VENDORS:
        return _VENDORS[backend]
    try:
        return _vendor(backend)
    except Exception as error:
        if needs_apps(error):
            return _vendor_in_fork(backend)
        raise ProjectError(
            f"DATABASES[{alias!r}] uses the backend {backend!r}, which cannot be loaded: {error}",
            hint=import_advice(error)
            or "Install what it needs into the runner: [tool.harness] install, or the project's requirements.",
        ) from error


def needs_apps(error: BaseException) -> bool:
    """Whether an import failed because it came before the apps were loaded: a backend that imports models raises this.

    Django itself imports a backend when the first model class asks for it, which is after the apps.
    """
    return any(isinstance(each, AppRegistryNotReady) for each in causes(error))


def _vendor(backend: str) -> str:
    return str(load_backend(backend).DatabaseWrapper.vendor)


@functools.cache
def _vendor_in_fork(backend: str) -> str:
    """The vendor of a backend that needs the apps, from a fork that loads them.

    The host starts no server before it knows the vendors, and the apps of this process are loaded while the servers start:
    they may connect as they load. The fork connects to nothing, and what it loads ends with it.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _report(backend, writer)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # the fork does it too: either may come first
    try:
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            answer: Mapping[str, str] = json.loads(stream.read() or b"{}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if "vendor" in answer:
        return answer["vendor"]
    reason = answer.get("error") or f"the process that loads them ended with status {os.waitstatus_to_exitcode(status)}"
    raise ProjectError(
        f"The backend {backend!r} imports models, and the project's apps cannot be loaded: {reason}",
        hint="Does `manage.py check` come further?",
        evidence=answer.get("evidence", ""),
    )


def _report(backend: str, fd: int) -> NoReturn:
    """Load the apps and the backend, write the vendor or the error to *fd*, and end the process."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)  # so that what the apps start ends too
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # the process that runs the tests loads the same apps and prints the same
    os.dup2(null, 2)

    def connect(_wrapper: BaseDatabaseWrapper) -> NoReturn:
        # an app that connects as it is loaded comes after the point where Django could have loaded the backend
        with contextlib.suppress(Exception):
            _end(fd, vendor=_vendor(backend))
        raise OperationalError("There is no server yet: the apps are loaded to read the vendor of a backend.")

    BaseDatabaseWrapper.connect = connect  # type: ignore[method-assign, assignment]  # for every backend, in this process alone
    try:
        django.setup()
        _end(fd, vendor=_vendor(backend))
    except BaseException as error:  # noqa: BLE001 - the project's code may raise anything, and SystemExit
        _end(fd, error=f"{type_name(type(error))}: {error}", evidence=project_traceback(error))


def _end(fd: int, **answer: str) -> NoReturn:
    os.write(fd, json.dumps(answer).encode())
    os._exit(0)
