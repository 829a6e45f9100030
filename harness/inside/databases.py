"""Templates and clones: which test databases there are, making a slot's clones, and seeing them on the replicas.

The template is made by Django, through the project's own runner. A clone is made by the worker that will use it, so that the
slots' clones are made side by side and a slot that is recycled holds up nobody else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.utils import DatabaseError
from django.test.utils import get_unique_databases_and_mirrors

from ..contract import naming
from ..contract.events import DatabaseMade
from ..errors import ServerError
from . import mysql_clone, postgres_clone
from .replication import await_replica, server_connection


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """A test database: the alias that creates it, the others that share it, and the mirrors that show it elsewhere."""

    __test__ = False  # not a test class, whatever its name begins with

    alias: str
    template: str
    shared_by: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()


Groups = tuple[dict[Any, tuple[str, list[str]]], dict[str, str]]


def group_aliases(aliases: Iterable[str]) -> Groups:
    """Which of *aliases* share a test database, and what mirrors what, as Django tells them before it renames them."""
    groups: Groups = get_unique_databases_and_mirrors(set(aliases))
    return groups


def made_of(groups: Groups) -> tuple[TestDatabase, ...]:
    """The databases that ``setup_databases`` has made for *groups*, in the order of their creation."""
    unique, mirrored = groups
    return tuple(
        TestDatabase(
            first,
            str(connections[first].settings_dict["NAME"]),
            tuple(others),
            tuple(mirror for mirror in mirrored if _end_of(mirror, mirrored) in (first, *others)),
        )
        for _, (first, *others) in unique.values()
    )


def _end_of(alias: str, mirrored: dict[str, str]) -> str:
    while alias in mirrored:
        alias = mirrored[alias]
    return alias


def close_connections() -> None:
    """Close every connection and pool: a clone's template may have none open, and a fork must inherit none.

    An in-memory SQLite database lives as long as its connection; its ``close`` keeps it open, and a fork is its clone.
    """
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()


def end_transactions() -> None:
    """End what a class left open. Django leaves its transaction open when ``setUpClass`` fails half-way, and every test
    that came after would run in it.
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
    """What the journal says of a database. SQLite's in-memory clones are forks, and have its name."""
    connection = connections[database.alias]
    if _is_forked(connection):
        return DatabaseMade(database.alias, database.template, (database.template,) * slots)
    return DatabaseMade(database.alias, database.template, _clone_names(connection, slots))


def make_clones(databases: Iterable[TestDatabase], slot: int, replicas: Iterable[str]) -> None:
    """Make the slot's clones, those of an earlier worker dropped, and return when they are seen on every replica.

    ``replicas`` are the mirror aliases that have a server of their own. Raises ``ServerError``.
    """
    wanted = set(replicas)
    for database in databases:
        connection = connections[database.alias]
        if _is_forked(connection):
            continue
        if connection.vendor in _CLONERS:
            _CLONERS[connection.vendor](database, slot)
            for mirror in database.mirrors:
                if mirror in wanted:
                    await_replica(database.alias, mirror)
        else:
            connection.creation.clone_test_db(suffix=str(slot), verbosity=0, autoclobber=True, keepdb=False)


def enter_clones(databases: Iterable[TestDatabase], slot: int) -> None:
    """Point every alias of this process at the slot's clones. Twice does no harm."""
    for database in databases:
        if _is_forked(connections[database.alias]):
            continue
        for alias in (database.alias, *database.shared_by, *database.mirrors):
            connection = connections[alias]
            # in place: threads that a test starts make their connections from the same dictionary
            connection.settings_dict["NAME"] = _clone_of(connection, slot, database)
            connection.close()


def _clone_of(connection: Any, slot: int, database: TestDatabase) -> str:
    """The clone's name as the backend composes it from the template's, whatever the connection is pointed at now."""
    connection.settings_dict["NAME"] = database.template
    return str(connection.creation.get_test_db_clone_settings(str(slot))["NAME"])


def remove_files(databases: Iterable[TestDatabase], slots: int) -> None:
    """Remove what SQLite keeps in files: the templates, and the clones of slots 1 to *slots*."""
    for database in databases:
        connection = connections[database.alias]
        if connection.vendor == "sqlite" and not _is_forked(connection):
            connection.close()
            for name in (database.template, *_clone_names(connection, slots)):
                for suffix in ("", "-journal", "-wal", "-shm"):  # a worker that died leaves those behind
                    Path(f"{name}{suffix}").unlink(missing_ok=True)


def restore_names(old_config: Iterable[tuple[Any, str, bool]]) -> None:
    """Give each connection of what ``setup_databases`` returned its old name back: a runner may set up again."""
    for connection, name, _ in old_config:
        connection.close()
        connection.settings_dict["NAME"] = name


def _clone_names(connection: Any, slots: int) -> tuple[str, ...]:
    """The names of the clones of the template that *connection* points at, by slot, 1 first."""
    settings = [connection.creation.get_test_db_clone_settings(str(slot)) for slot in range(1, slots + 1)]
    return tuple(str(each["NAME"]) for each in settings)


def _is_forked(connection: Any) -> bool:
    """Whether a fork of the process is the clone: SQLite in memory, or no database at all (``DATABASES = {}``)."""
    if connection.settings_dict["ENGINE"] == "django.db.backends.dummy":
        return True
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())


def _clone_postgresql(database: TestDatabase, slot: int) -> None:
    with _cloning(database, slot) as (connection, clone), connection.cursor() as cursor:
        postgres_clone.make_clone(cursor, database.template, clone)


def _clone_mysql(database: TestDatabase, slot: int) -> None:
    with _cloning(database, slot) as (connection, clone), connection.wrap_database_errors:
        mysql_clone.make_clone(connection.connection, database.template, clone)


@contextlib.contextmanager
def _cloning(database: TestDatabase, slot: int) -> Iterator[tuple[Any, str]]:
    """A connection to make a clone over, and the clone's name. Raises ``ServerError`` for what the server refuses."""
    connection = server_connection(database.alias)
    clone = naming.clone(database.template, slot)
    try:
        yield connection, clone
    except DatabaseError as error:
        raise ServerError(
            f"The clone {clone!r} of {database.alias!r} for slot {slot} could not be made: {error}".strip(),
            hint=_hint(error),
            evidence="\n".join(getattr(error.__cause__, "__notes__", ())),  # the statement
        ) from error
    finally:
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


_CLONERS = {"postgresql": _clone_postgresql, "mysql": _clone_mysql}
