"""Puts cached templates in the place of Django's making of a test database, which leaves the connection as ever."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.creation import BaseDatabaseCreation
from django.utils.module_loading import module_has_submodule

from ...protocol.messages import SeedState
from .. import private_apis
from . import sqlite_files

_PARAMETERS = ("verbosity", "autoclobber", "serialize", "keepdb")
"""Those of ``create_test_db``."""


@contextlib.contextmanager
def in_place_of_migrations(state: SeedState, contents: Mapping[str, bytes]) -> Iterator[None]:
    """While the block runs, Django's ``create_test_db`` takes a database that is there: as it is on a ``hit``, with the
    migrations that are left when ``near``. *contents* are the databases of SQLite by name.
    """
    if state == "miss":
        yield
        return
    original = BaseDatabaseCreation.create_test_db

    def take(creation: Any, *args: Any, **options: Any) -> str:
        name = private_apis.test_database_name(creation.connection)
        content = contents.get(name)
        restored = contextlib.nullcontext() if content is None else sqlite_files.restored(name, content)
        if creation.connection.vendor == "sqlite":
            BaseDatabaseWrapper.close(creation.connection)  # the backend's own method keeps one in memory open
        with restored:
            if state == "near":
                return original(creation, *args, **{**options, "keepdb": True})
            return _enter(creation, *args, **options)

    BaseDatabaseCreation.create_test_db = take  # type: ignore[method-assign, assignment]  # undone below
    try:
        yield
    finally:
        BaseDatabaseCreation.create_test_db = original  # type: ignore[method-assign]  # the method from before


def _enter(creation: Any, *args: Any, **options: Any) -> str:
    """Leave the connection as ``create_test_db`` would, on its test database that is there."""
    connection = creation.connection
    name = private_apis.test_database_name(connection)
    connection.close()
    settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = name
    import_management()  # as the command migrate does: flush sends signals to what connects there
    if dict(zip(_PARAMETERS, args, strict=False), **options).get("serialize", True):
        connection._test_serialized_contents = creation.serialize_db_to_string()
    connection.ensure_connection()
    return name


def import_management() -> None:
    """Import the module ``management`` of each app, as the command ``migrate`` does: it connects receivers."""
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "management"):
            importlib.import_module(".management", config.name)


def is_there(connection: Any, contents: Mapping[str, bytes]) -> bool:
    """Whether the test database of *connection* exists: in *contents* for SQLite, else on the server, which is asked."""
    name = private_apis.test_database_name(connection)
    if connection.vendor == "sqlite":
        return name in contents
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        connection.ensure_connection()
        return True
    except Exception:  # noqa: BLE001 - whatever the driver raises for a database that is not there
        return False
    finally:
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        connection.settings_dict["NAME"] = before
