"""``--verify-template``: makes the templates anew beside the cached ones, and compares the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...errors import ProjectError
from ...protocol import naming
from .. import private_apis, unpatched
from ..databases import clones
from . import contents
from .contents import Contents

_APART = "anew"


def fresh_contents(build: Callable[[], Any], made: Sequence[str]) -> dict[str, Contents]:
    """The content of the test database of each alias of *made*, as *build*, Django's ``setup_databases``, makes it under another
    name; it is dropped again. Raises what *build* raises.
    """
    names = {alias: private_apis.test_database_name(connections[alias]) for alias in made}
    before = {connection.alias: connection.settings_dict["NAME"] for connection in connections.all()}
    given = {alias: connections[alias].settings_dict["TEST"]["NAME"] for alias in made}
    begun_at = unpatched.epoch_s()
    for alias in made:
        connections[alias].settings_dict["TEST"]["NAME"] = _apart(names[alias])
    try:
        config = build()
        found = {
            alias: contents.read(connections[alias], begun_at, (_apart(name), name)) for alias, name in names.items()
        }
        clones.close_connections()
        for connection, _, is_first in config:
            if is_first:
                connection.creation.destroy_test_db(before[connection.alias], verbosity=0)
                _close(connection)
    finally:
        for alias in made:
            connections[alias].settings_dict["TEST"]["NAME"] = given[alias]
        _rename(before)
    return found


def cached_contents(made: Sequence[str]) -> dict[str, Contents]:
    """The content of the cached test database of each alias of *made*, which ``cached.in_place_of_migrations`` puts there."""
    before = {connection.alias: connection.settings_dict["NAME"] for connection in connections.all()}
    found = {}
    try:
        for alias in made:
            connection = connections[alias]
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            found[alias] = contents.read(connection)
            _close(connection)
    finally:
        _rename(before)
    return found


def difference(cached: Mapping[str, Contents], fresh: Mapping[str, Contents]) -> ProjectError | None:
    """The error for templates that differ; ``None`` if none does."""
    for alias in cached:
        if lines := contents.differences(cached[alias], fresh[alias]):
            return ProjectError(
                f"The cached test database of {alias!r} differs from one that is made from nothing.",
                hint="The cached one is removed. If the difference is a value from randomness or the clock, it is another in "
                "each build: a test must not rely on it. Else the content depends on what the key does not see (see "
                "docs/explanation/migrated-seeds.md): cache = false in [tool.harness], and please report it.",
                evidence="\n".join(lines),
            )
    return None


def _apart(name: str) -> str:
    """The name of the database that is compared with the test database *name*."""
    if "mode=memory" in name:
        return name.replace("?", f"_{_APART}?", 1)
    if "/" in name or name.endswith((".sqlite3", ".db", ".sqlite")):
        return str(PurePath(name).with_name(f"{PurePath(name).stem}_{_APART}{PurePath(name).suffix}"))
    return naming.database_apart(name, f"{_APART}:{name}")


def _close(connection: Any) -> None:
    """Close *connection*; one to SQLite in memory too, whose database ends with it."""
    if connection.vendor == "sqlite":
        BaseDatabaseWrapper.close(connection)
    else:
        clones.close(connection)


def _rename(names: Mapping[str, str]) -> None:
    """Give every connection the database that it had before."""
    for alias, name in names.items():
        connections[alias].settings_dict["NAME"] = name
        settings.DATABASES[alias]["NAME"] = name
