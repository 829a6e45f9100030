"""Test databases, their templates and clones: groups aliases, makes a slot's clones, waits for them on the replicas.

Django makes the template, through the project's own runner. Each worker makes its own clones, so that slots make theirs in
parallel, and a recycled slot delays no other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.utils import DatabaseError

from ...errors import ServerError
from ...protocol import naming
from ...protocol.results import DatabaseMade
from ..replication.catch_up import await_replica, server_connection
from . import mysql_clone, postgres_clone
from .mysql_schema import Schema

VENDORS = ("postgresql", "mysql", "sqlite")
"""The vendors of the databases that have clones."""


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """A test database: the alias that creates it, the other aliases that share it, and its mirrors."""

    __test__ = False  # not a test class, whatever its name begins with

    alias: str
    template: str
    shared_by: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()

    def aliases(self, replicas: Collection[str]) -> tuple[str, ...]:
        """The alias, and those of its mirrors that are among *replicas*: each is on a server of its own."""
        return (self.alias, *(mirror for mirror in self.mirrors if mirror in replicas))


def made_of(old_config: Iterable[tuple[Any, str, bool]], primaries: Mapping[str, str]) -> tuple[TestDatabase, ...]:
    """The test databases that ``setup_databases`` has made, by its result *old_config*: a connection for each alias, marked if it
    is the first of its database. *primaries* has the primary of each mirror.
    """
    groups: list[list[str]] = []
    for connection, _, is_first in old_config:
        if is_first:
            groups.append([])
        groups[-1].append(connection.alias)
    return tuple(
        TestDatabase(
            first,
            str(connections[first].settings_dict["NAME"]),
            tuple(others),
            tuple(mirror for mirror, primary in primaries.items() if primary in (first, *others)),
        )
        for first, *others in groups
    )


def close_connections() -> None:
    """Close every connection and pool: a clone's template may have none open, and a fork must inherit none.

    Django's ``close`` keeps an in-memory SQLite database open, which would end with its connection; a fork is its clone.
    """
    for connection in connections.all(initialized_only=True):
        close(connection)


def close(connection: Any) -> None:
    """Close *connection* and its alias's pool, which keeps the address with which it was made."""
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()


def end_transactions() -> None:
    """Roll back transactions that a class left open. Django leaves one open when ``setUpClass`` fails half-way, and every
    later test would run in it.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or not connection.in_atomic_block:
            continue
        connection.in_atomic_block = connection.needs_rollback = False
        connection.savepoint_ids, connection.atomic_blocks, connection.run_on_commit = [], [], []
        try:
            connection.rollback()
            connection.set_autocommit(True)
        except DatabaseError:
            connection.close()


def clone_names(database: TestDatabase, slots: int) -> DatabaseMade:
    """The ``DatabaseMade`` event of *database*. In-memory SQLite clones are forks, and have the template's name."""
    connection = connections[database.alias]
    names = (database.template,) * slots if is_forked(connection) else _clone_names(connection, slots)
    return DatabaseMade(database.alias, database.template, names)


def read_schemas(databases: Iterable[TestDatabase]) -> dict[str, Schema]:
    """The statements that make the clones of *databases* on MySQL and MariaDB, by alias; the other engines need none.

    Raises ``ServerError``.
    """
    schemas = {}
    for database in databases:
        if connections[database.alias].vendor == "mysql":
            failed = f"The template {database.template!r} of {database.alias!r} could not be read for its clones"
            with _session(database.alias, failed) as session:
                schemas[database.alias] = mysql_clone.read_schema(session.connection, database.template)
    return schemas


def make_clones(
    databases: Iterable[TestDatabase],
    slot: int,
    replicas: Collection[str],
    in_memory: Collection[str],
    schemas: Mapping[str, Schema],
    *,
    are_made: bool = False,
) -> None:
    """Make the slot's clones, and wait until every replica has them. Clones of an earlier worker are dropped first.

    ``replicas`` are the mirror aliases that have a server of their own, ``in_memory`` those whose server has its databases in
    memory. ``schemas`` has the result of ``read_schemas``; a template that is missing there is read now. With *are_made*, the
    clones on servers are there already. Raises ``ServerError``.
    """
    for database in databases:
        connection = connections[database.alias]
        if is_forked(connection):
            continue
        if connection.vendor not in ("postgresql", "mysql"):
            connection.creation.clone_test_db(suffix=str(slot), verbosity=0, autoclobber=True, keepdb=False)
            continue
        if not are_made:
            _make_clone(database, slot, schemas.get(database.alias), is_in_memory=database.alias in in_memory)
        _, *mirrors = database.aliases(replicas)
        for mirror in mirrors:
            await_replica(database.alias, mirror)


def _make_clone(database: TestDatabase, slot: int, schema: Schema | None, *, is_in_memory: bool) -> None:
    clone = naming.clone(database.template, slot)
    failed = f"The clone {clone!r} of {database.alias!r} for slot {slot} could not be made"
    with _session(database.alias, failed) as session:
        if session.vendor == "postgresql":
            with session.cursor() as cursor:
                strategy = postgres_clone.strategy(session.pg_version, is_in_memory=is_in_memory)
                postgres_clone.make_clone(cursor, database.template, clone, strategy)
        else:
            schema = schema or mysql_clone.read_schema(session.connection, database.template)
            mysql_clone.make_clone(session.connection, schema, clone)


def enter_clones(databases: Iterable[TestDatabase], slot: int) -> None:
    """Point every alias of this process at the slot's clones. Can be called again."""
    for database in databases:
        if is_forked(connections[database.alias]):
            continue
        for alias in (database.alias, *database.shared_by, *database.mirrors):
            connection = connections[alias]
            # change it in place: threads that a test starts make their connections from the same dictionary
            connection.settings_dict["NAME"] = database.template  # the backend derives the clone's name from it
            connection.settings_dict["NAME"] = connection.creation.get_test_db_clone_settings(str(slot))["NAME"]
            # a test that calls create_test_db() would drop the template: without a name, Django derives one from the clone's
            connection.settings_dict["TEST"]["NAME"] = None
            close(connection)


def remove_files(databases: Iterable[TestDatabase], slots: int, *, is_template_kept: bool = False) -> None:
    """Remove SQLite's files: the templates unless they are kept, and the clones of slots 1 to *slots*."""
    for database in databases:
        connection = connections[database.alias]
        if connection.vendor == "sqlite" and not is_forked(connection):
            connection.close()
            templates = () if is_template_kept else (database.template,)
            for name in (*templates, *_clone_names(connection, slots)):
                for suffix in ("", "-journal", "-wal", "-shm"):  # a worker that died leaves those behind
                    Path(f"{name}{suffix}").unlink(missing_ok=True)


def restore_names(old_config: Iterable[tuple[Any, str, bool]]) -> None:
    """Restore the names in *old_config*, which ``setup_databases`` returned: a runner may set up again."""
    for connection, name, _ in old_config:
        connection.close()
        connection.settings_dict["NAME"] = name


def _clone_names(connection: Any, slots: int) -> tuple[str, ...]:
    """The names of the clones of the template that *connection* points at, by slot, 1 first."""
    settings = [connection.creation.get_test_db_clone_settings(str(slot)) for slot in range(1, slots + 1)]
    return tuple(str(each["NAME"]) for each in settings)


def is_forked(connection: Any) -> bool:
    """Whether a fork of the process serves as the clone: SQLite in memory, or no database at all (``DATABASES = {}``)."""
    if connection.settings_dict["ENGINE"] == "django.db.backends.dummy":
        return True
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())


@contextlib.contextmanager
def _session(alias: str, failed: str) -> Iterator[Any]:
    """Yield a connection to the server of *alias*. An error of the server becomes a ``ServerError`` that begins with *failed*."""
    connection: Any = None
    try:
        connection = server_connection(alias)
        with connection.wrap_database_errors:
            yield connection
    except DatabaseError as error:
        raise ServerError(
            f"{failed}: {error}".strip(),
            hint=_hint(error),
            evidence="\n".join(getattr(error.__cause__, "__notes__", ())),  # the statement
        ) from error
    finally:
        if connection is not None:
            connection.close()


def _hint(error: DatabaseError) -> str:
    is_held = postgres_clone.sqlstate_of(error) == postgres_clone.OBJECT_IN_USE
    if is_held or (error.args and error.args[0] in mysql_clone.LOCKED):
        return "Is something of the project's setup_databases still connected to the template, and holds a lock there?"
    return (
        "The message is the server's. Where it has run out of space: memory_size, or in_memory = false, in"
        " [tool.harness.servers]. A definition that it took for the template and refuses for the clone is a fault of the"
        " harness: please report it, with the statement."
    )
