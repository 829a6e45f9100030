"""Connections of mirror aliases: the primary's connection, read-only, or the real replica.

A ``TestCase`` never commits, so no replica can show its rows: there a mirror reads through its primary's connection, and the
server refuses writes meanwhile (MySQL cannot; there, ``mysql_writes`` finds the statements to refuse). In all other tests the
alias is connected to its replica, and each statement first waits until the replica has everything that was committed. A mirror
on its primary's own server has a read-only connection of its own to the primary there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

from django.db import connections
from django.test import TestCase

from ...protocol.messages import MirrorMode
from .. import private_apis, unpatched
from ..sql.statement_log import StatementLog
from .catch_up import Link
from .mysql_writes import is_write

CLASS_ATTRIBUTE = "harness_mirrors"
"""A test class may set ``harness_mirrors = "replica"`` or ``"primary"`` for itself."""

_SAVEPOINT = "harness_mirror"


def mode_of(cls: type, configured: MirrorMode, of_test: MirrorMode | None = None) -> MirrorMode:
    """The mode of the mirrors for a test of *cls*: *of_test*, that of the class, or else the run's; ``auto`` is decided by the
    type of the class.
    """
    of_class: MirrorMode = getattr(cls, CLASS_ATTRIBUTE, configured)
    mode = of_test or of_class
    if mode == "auto":
        return "primary" if issubclass(cls, TestCase) else "replica"
    return mode


class SharedConnection:
    """A mirror's connection that uses its primary's driver connection, and cannot write.

    ``shared_connection`` makes one, of a class that derives from this and from the backend's. It tracks transactions but sends
    no transaction command: it has nothing to commit, and a refused write must not roll back what the primary has written.
    """

    _primary: Any
    _backend: type
    connect: Callable[..., Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a connection of the backend's own class when Django makes another of this class, as it does to copy a
        connection.
        """
        return cls._backend(*args, **kwargs)

    @property
    def connection(self) -> Any:
        """The driver's connection."""
        return self._primary.connection

    @connection.setter
    def connection(self, _value: Any) -> None:
        """Do nothing: the primary opens and closes the driver's connection."""

    def _nothing(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing: replaces each step that only the primary may take. The primary also checks the rows that it wrote."""

    close = close_if_unusable_or_obsolete = close_if_health_check_failed = close_pool = check_constraints = _nothing
    _commit = _rollback = _set_autocommit = _savepoint = _savepoint_commit = _savepoint_rollback = _nothing

    def read_only(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Run a statement while writes are refused."""
        with _READ_ONLY[self._primary.vendor](self._primary, sql):
            return execute(sql, params, many, context)


@cache
def _shared_class(backend: type) -> Any:
    return type("SharedConnection", (SharedConnection, backend), {"_named_cursor_idx": 1_000_000, "_backend": backend})


def shared_connection(mirror: Any, primary: Any) -> Any:
    """A connection for the alias of *mirror* that reads through *primary* (both Django's connections)."""
    backend: Any = type(primary)
    shared = object.__new__(_shared_class(backend))
    shared._primary = primary
    shared.__init__(mirror.settings_dict, mirror.alias)
    # the primary's features: detecting them again would send queries, which a test may forbid or count
    shared.features = primary.features
    # the class's method: Django replaces those of the primary's object where a test may use the mirror alone
    shared.connect = lambda: backend.connect(primary)
    shared.execute_wrappers = [shared.read_only]
    return shared


@contextlib.contextmanager
def _read_only_postgresql(primary: Any, _sql: Any) -> Iterator[None]:
    """Run the block in a read-only subtransaction or transaction; the setting ends with the savepoint in which it was made."""
    in_transaction = primary.in_atomic_block
    begin = f"SAVEPOINT {_SAVEPOINT}; SET LOCAL transaction_read_only = on" if in_transaction else "BEGIN READ ONLY"
    commit = f"RELEASE SAVEPOINT {_SAVEPOINT}" if in_transaction else "COMMIT"
    rollback = f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}; {commit}" if in_transaction else "ROLLBACK"
    with primary.wrap_database_errors, primary.connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield
        except BaseException:
            cursor.execute(rollback)
            raise
        cursor.execute(commit)


@contextlib.contextmanager
def _read_only_sqlite(primary: Any, _sql: Any) -> Iterator[None]:
    primary.connection.execute("PRAGMA query_only = 1")
    try:
        yield
    finally:
        primary.connection.execute("PRAGMA query_only = 0")


@contextlib.contextmanager
def _read_only_mysql(primary: Any, sql: Any) -> Iterator[None]:
    """Refuse statements that write before they are sent: the server cannot make a transaction that has written read-only."""
    if is_write(str(sql)):
        is_mariadb = "mariadb" in primary.connection.get_server_info().lower()
        product, option = ("MariaDB", "read-only") if is_mariadb else ("MySQL", "super-read-only")
        text = f"The {product} server is running with the --{option} option so it cannot execute this statement"
        with primary.wrap_database_errors:
            raise primary.Database.OperationalError(1290, text)
    yield


_READ_ONLY: dict[str, Callable[[Any, Any], Any]] = {
    "postgresql": _read_only_postgresql,
    "sqlite": _read_only_sqlite,
    "mysql": _read_only_mysql,
}


_SET_READ_ONLY = {
    "postgresql": "SET default_transaction_read_only = on",
    "sqlite": "PRAGMA query_only = 1",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
}


def connect_read_only(aliases: Collection[str]) -> None:
    """Make every connection of *aliases* read-only as soon as it is connected, in every thread of this process."""

    def connect_and_set(connect: Callable[..., Any], connection: Any) -> None:
        connect(connection)
        if connection.alias in aliases:
            with connection.wrap_database_errors, contextlib.closing(connection.connection.cursor()) as cursor:
                cursor.execute(_SET_READ_ONLY[connection.vendor])
                connection.connection.commit()  # with AUTOCOMMIT off, a rollback would undo the setting

    private_apis.hook_connect(connect_and_set)


class Mirrors:
    """The mirror aliases of one process. ``pairs`` maps each to its primary; ``replicas`` are those with a real replica."""

    def __init__(self, pairs: Mapping[str, str], replicas: Collection[str], statement_log: StatementLog) -> None:
        self._pairs: dict[str, str] = {}
        self._real: dict[str, Any] = {}
        self._links: dict[str, Link] = {}
        self._on_primary: set[str] = set()
        self._statement_log = statement_log
        self._thread = unpatched.threading.local()
        self.renew(pairs, replicas)

    def renew(self, pairs: Mapping[str, str], replicas: Collection[str]) -> None:
        """Take the mirrors *pairs*, which may be new or known, as they are named now: their databases have been made."""
        for alias in pairs.keys() - self._pairs.keys():
            self._real[alias] = connections[alias]
            if alias in replicas:
                self._links[alias] = Link(pairs[alias])
        self._pairs.update(pairs)
        if pairs:
            self._statement_log.before = self._before_statement
        for alias in pairs.keys() & self._links.keys():
            self._real[alias].close()  # it may be connected to an earlier database
        # a second connection to a database in memory would meet the first one's locks, and would not wait for them
        on_primary = {alias for alias in pairs.keys() - self._links if not _is_in_memory(self._real[alias])}
        if not self._on_primary and on_primary:
            connect_read_only(self._on_primary)  # those that are added below
        self._on_primary |= on_primary
        for alias in on_primary:
            self._real[alias].close()  # the project may have connected it already, to read and write
            self._real[alias].features = connections[pairs[alias]].features  # they are of one server

    def use(self, mode: MirrorMode) -> None:
        """Connect every mirror for the tests of one unit. A mirror in memory always shares its primary's connection."""
        for alias, primary in self._pairs.items():
            is_replica = mode == "replica" and alias in self._links
            if is_replica:
                self._links[alias].open()
            if is_replica or (mode == "replica" and alias in self._on_primary):
                connections[alias] = self._real[alias]
            else:
                connections[alias] = shared_connection(self._real[alias], connections[primary])
            self._statement_log.roles[alias] = "replica" if is_replica else "primary"

    def end_transactions(self) -> None:
        """End transactions that a test left open on a mirror's own connection: their locks would hold back the next flush."""
        for alias in (*self._links, *self._on_primary):
            connection = self._real[alias]
            if connection.connection is not None and (connection.in_atomic_block or not connection.get_autocommit()):
                connection.in_atomic_block = False
                connection.close()

    def close(self) -> None:
        for link in self._links.values():
            link.close()

    def _before_statement(self, connection: Any) -> None:
        link = self._links.get(connection.alias)
        if link is None or getattr(self._thread, "is_waiting", False) or isinstance(connection, SharedConnection):
            return
        if connection.needs_rollback or (connection.in_atomic_block and _has_failed(connection)):
            return  # the server will refuse the statement, and the test must see that error
        self._thread.is_waiting = True
        try:
            link.wait(connection)
        finally:
            self._thread.is_waiting = False


def _is_in_memory(connection: Any) -> bool:
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())


def _has_failed(connection: Any) -> bool:
    """Whether the server has aborted the driver's transaction."""
    info = getattr(connection.connection, "info", None)
    return getattr(getattr(info, "transaction_status", None), "name", "") == "INERROR"
