"""What a mirror alias is connected to: its primary's connection, read-only, or the real replica.

A ``TestCase`` never commits, so no replica can show what it wrote: there a mirror reads through the connection of its primary,
which the server itself forbids to write while it does. Everywhere else the alias is connected to its replica, and each
statement first waits until the replica has what was committed.
"""

from __future__ import annotations

import threading
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from django.test import TestCase

from harness.contract.runspec import MirrorMode
from harness.inside.replication import Link
from harness.inside.sqllog import SqlLog

CLASS_ATTRIBUTE = "harness_mirrors"
"""A test class may say ``harness_mirrors = "replica"`` or ``"primary"`` for itself."""

_SAVEPOINT = "harness_mirror"
_TRANSACTION_CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT", "BEGIN")


def mode_of(cls: type, configured: MirrorMode) -> MirrorMode:
    """How the mirrors of a test class are connected: what the class says, else the run, else by what the class is."""
    mode: MirrorMode = getattr(cls, CLASS_ATTRIBUTE, configured)
    if mode == "auto":
        return "primary" if issubclass(cls, TestCase) else "replica"
    return mode


class SharedConnection:
    """A mirror's connection that is its primary's, but for its alias, its settings, its log, and that it cannot write.

    Methods of the primary's class run with this object as ``self``; attributes are the primary's, so that both share one
    transaction. Its own are what tests and Django patch or compare for each alias apart.
    """

    _OWN = frozenset(
        {
            "alias",
            "settings_dict",
            "execute_wrappers",
            "queries_log",
            "force_debug_cursor",
            "connect",
            "cursor",
            "chunked_cursor",
            "temporary_connection",
        }
    )

    def __init__(self, mirror: Any, primary: Any) -> None:
        own = self.__dict__
        own["_primary"] = primary
        own["alias"] = mirror.alias
        own["settings_dict"] = mirror.settings_dict
        own["execute_wrappers"] = [self._read_only]
        own["queries_log"] = deque(maxlen=9000)
        own["force_debug_cursor"] = False

    def __getattr__(self, name: str) -> Any:
        primary = self.__dict__["_primary"]
        method = getattr(type(primary), name, None)
        if isinstance(method, types.FunctionType):
            return types.MethodType(method, self)
        return getattr(primary, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._OWN:
            self.__dict__[name] = value
        else:
            setattr(self._primary, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._OWN:
            del self.__dict__[name]
        else:
            delattr(self._primary, name)

    @property
    def queries_logged(self) -> bool:
        return bool(self.force_debug_cursor or settings.DEBUG)

    @property
    def queries(self) -> list[dict[str, str]]:
        return list(self.queries_log)

    def ensure_connection(self) -> None:
        """Connect the primary, also where the test may use the mirror alone and Django forbids the primary's methods."""
        if self._primary.connection is None:
            type(self._primary).connect(self._primary)

    def close(self) -> None:
        """Nothing: the connection is the primary's."""

    def close_if_unusable_or_obsolete(self) -> None:
        """Nothing, for the same reason."""

    def _read_only(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if str(sql).lstrip()[:9].upper().startswith(_TRANSACTION_CONTROL):
            return execute(sql, params, many, context)
        self._primary.validate_no_broken_transaction()
        with _READ_ONLY[self._primary.vendor](self._primary):
            return execute(sql, params, many, context)


@contextmanager
def _read_only_postgresql(primary: Any) -> Iterator[None]:
    """A subtransaction that the server keeps from writing: a read-only one ends with the savepoint it was set in."""
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


@contextmanager
def _read_only_sqlite(primary: Any) -> Iterator[None]:
    primary.connection.execute("PRAGMA query_only = 1")
    try:
        yield
    finally:
        primary.connection.execute("PRAGMA query_only = 0")


_READ_ONLY: dict[str, Callable[[Any], Any]] = {"postgresql": _read_only_postgresql, "sqlite": _read_only_sqlite}


class Mirrors:
    """The mirror aliases of one process. ``pairs`` maps each to its primary; ``replicas`` are those with a real one."""

    def __init__(self, pairs: dict[str, str], replicas: set[str], sqllog: SqlLog) -> None:
        self._pairs = pairs
        self._real = {alias: connections[alias] for alias in pairs}
        self._links = {alias: Link(pairs[alias]) for alias in pairs if alias in replicas}
        self._sqllog = sqllog
        self._here = threading.local()
        if pairs:
            sqllog.before = self._before_statement

    def use(self, mode: MirrorMode) -> None:
        """Connect every mirror for the tests of one unit. One without a real replica shares its primary's always."""
        for alias, primary in self._pairs.items():
            if mode == "replica" and alias in self._links:
                connections[alias] = self._real[alias]
                self._sqllog.roles[alias] = "replica"
            else:
                connections[alias] = SharedConnection(self._real[alias], connections[primary])  # type: ignore[assignment]  # it stands in for one
                self._sqllog.roles[alias] = "primary"

    def end_transactions(self) -> None:
        """End what a test left open on a replica: its locks would hold back the replay of the next flush."""
        for alias in self._links:
            connection = self._real[alias]
            if connection.connection is not None and (connection.in_atomic_block or not connection.get_autocommit()):
                connection.in_atomic_block = False
                connection.close()

    def wait(self) -> None:
        """Return when every replica has what its primary has."""
        for alias, link in self._links.items():
            link.wait(self._real[alias])

    def close(self) -> None:
        for link in self._links.values():
            link.close()

    def _before_statement(self, connection: Any) -> None:
        link = self._links.get(connection.alias)
        if link is None or getattr(self._here, "is_waiting", False) or isinstance(connection, SharedConnection):
            return
        if connection.needs_rollback or (connection.in_atomic_block and _has_failed(connection)):
            return  # the statement will be refused; that error is the test's to see
        self._here.is_waiting = True
        try:
            link.wait(connection)
        finally:
            self._here.is_waiting = False


def _has_failed(connection: Any) -> bool:
    """Whether the driver's transaction is one that the server has given up on."""
    info = getattr(connection.connection, "info", None)
    return getattr(getattr(info, "transaction_status", None), "name", "") == "INERROR"
