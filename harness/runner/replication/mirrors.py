"""Connections of mirror aliases: the primary's connection, read-only, or the real replica.

A ``TestCase`` never commits, so no replica can show its rows: there a mirror reads through its primary's connection
(``shared_connection``). In all other tests the alias is connected to its replica, and each statement first waits until the
replica has everything that was committed. A mirror on its primary's own server has a read-only connection of its own to the
primary there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol, get_args

from django.db import connections
from django.test import TestCase

from ...errors import ProjectError
from ...protocol.messages import MirrorMode
from ...testing import MIRRORS
from .. import private_apis, unpatched
from ..schedule.units import Plan
from ..sql.routing import Routing
from ..sql.statement_log import StatementLog
from ..text import class_name
from .catch_up import Link, await_replica, await_replicas
from .lag import ReplicaLag
from .mysql_routines import routines_of
from .refusals import explain
from .shared_connection import SharedConnection, features_of, shared_connection


def mode_of(cls: type, configured: MirrorMode, of_test: MirrorMode | None = None) -> MirrorMode:
    """The mode of the mirrors for a test of *cls*: *of_test*, that of the class, or else the run's; ``auto`` and ``strict`` are
    decided by the type of the class.
    """
    of_class: MirrorMode = getattr(cls, MIRRORS, configured)
    mode = of_test or of_class
    if mode in ("auto", "strict") and not issubclass(cls, TestCase):
        return "replica"
    return "primary" if mode == "auto" else mode


def marked(owner: Any, name: str) -> MirrorMode | None:
    """The mode of the mark of ``harness.testing`` on *owner*, a test or a class called *name*; ``None`` without one.

    Raises ``ProjectError`` for another value.
    """
    mode = getattr(owner, MIRRORS, None)
    if mode is None or mode in get_args(MirrorMode):
        return mode
    raise ProjectError(f"{MIRRORS} of {name} is {mode!r}.", hint=f"It is one of {', '.join(get_args(MirrorMode))}.")


def check_marks(plan: Plan) -> None:
    """Raise ``ProjectError`` for a mark of *plan*'s tests, or of their classes, that is no mode."""
    for test, instance in zip(plan.tests, plan.instances, strict=True):
        marked(type(instance), class_name(type(instance)))
        marked(of_method(instance), test.id)


def of_method(instance: Any) -> Any:
    """The method of the test *instance*, with its marks."""
    return getattr(type(instance), private_apis.test_method_name(instance), None)


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


class Trace(Protocol):
    """Notes the statements of bodies."""

    def body(self) -> AbstractContextManager[None]:
        """The body of a test."""

    def read_begins(self, alias: str) -> bool:
        """Note a read of *alias* that begins. Returns whether it waits for its replica."""

    def read_waited(self) -> None:
        """Note that it has waited."""

    @property
    def is_prompt(self) -> bool:
        """Whether its replica catches up at once for it."""


class Mirrors:
    """The mirror aliases of one process. ``pairs`` maps each to its primary; ``replicas`` are those with a real replica.

    With a ``trace``, the reads in bodies are noted, and those wait that it says.
    """

    def __init__(
        self, pairs: Mapping[str, str], replicas: Collection[str], statement_log: StatementLog, lag: ReplicaLag
    ) -> None:
        self._pairs: dict[str, str] = {}
        self._real: dict[str, Any] = {}
        self._links: dict[str, Link] = {}
        self._on_primary: set[str] = set()
        self._shared: frozenset[str] = frozenset()
        self._are_disturbed = False
        self._statement_log = statement_log
        self._lag = lag
        self.trace: Trace | None = None
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
            if self._statement_log.before is None:
                # each thread makes its own connections with it
                connections.create_connection = partial(self._connect_in_thread, connections.create_connection)  # type: ignore[method-assign]  # in place of the method
            self._statement_log.before = self._before_statement
            self._statement_log.on_error = self._explain
            routines_of.cache_clear()
            if self._statement_log.routing is None:
                self._statement_log.routing = Routing(connections.databases)
                self._statement_log.routing.install()
            self._statement_log.routing.add_mirrors(pairs)
        for alias in pairs.keys() & self._links.keys():
            self._real[alias].close()  # it may be connected to an earlier database, and so may a pool
            if hasattr(self._real[alias], "close_pool"):
                self._real[alias].close_pool()
        # a second connection to a database in memory would meet the first one's locks, and would not wait for them
        on_primary = {alias for alias in pairs.keys() - self._links if not _is_in_memory(self._real[alias])}
        if not self._on_primary and on_primary:
            connect_read_only(self._on_primary)  # those that are added below
        self._on_primary |= on_primary
        for alias in on_primary:
            self._real[alias].close()  # the project may have connected it already, to read and write
            self._real[alias].features = features_of(connections[pairs[alias]], self._real[alias])

    @property
    def primaries(self) -> Mapping[str, str]:
        """The primary of each mirror."""
        return self._pairs

    def use(self, mode: MirrorMode) -> None:
        """Connect every mirror for the tests of one unit. A mirror in memory always shares its primary's connection.

        *mode* is one that ``mode_of`` has decided.
        """
        shared = set()
        for alias, primary in self._pairs.items():
            is_replica = mode == "replica" and alias in self._links
            if is_replica:
                self._links[alias].open()
            if is_replica or (mode == "replica" and alias in self._on_primary):
                connections[alias] = self._real[alias]
            else:
                is_strict = mode == "strict"
                shared.add(alias)
                connections[alias] = shared_connection(self._real[alias], connections[primary], is_strict=is_strict)
            self._statement_log.roles[alias] = "replica" if is_replica else "primary"
        self._shared = frozenset(shared)

    def declare(self, cls: type | None, owner: str) -> None:
        """Note that the next tests are of *cls*, reported as *owner*, which may name mirrors in its ``databases``."""
        if (routing := self._statement_log.routing) is not None:
            routing.declare(cls, owner)

    def begin_body(self) -> None:
        """Note that the set-up of a test has ended."""
        if (routing := self._statement_log.routing) is not None:
            routing.begin_body()

    @contextlib.contextmanager
    def used(self, mode: MirrorMode) -> Iterator[None]:
        """Connect every mirror for one test of the unit; the connections of the others are there again after it."""
        of_unit = [(alias, connections[alias], self._statement_log.roles[alias]) for alias in self._pairs]
        shared = self._shared
        self.use(mode)
        try:
            yield
        finally:
            for alias, connection, role in of_unit:
                connections[alias] = connection
                self._statement_log.roles[alias] = role
            self._shared = shared

    @property
    def has_bodies(self) -> bool:
        """Whether ``body`` is to be entered around the body of each test."""
        return self._lag.is_lagging and bool(self._links)

    def body(self) -> AbstractContextManager[None]:
        """The context of a test's body, where replicas may be late. Raises ``ServerError`` if one does not catch up before."""
        used = {
            alias: link
            for alias, link in self._connected().items()
            if not private_apis.is_forbidden(connections[alias])
        }
        if not used:
            return contextlib.nullcontext()
        return self._lag.body(used) if self.trace is None else self._traced_body(used, self.trace)

    def _connected(self) -> dict[str, Link]:
        """The links of the mirrors that are connected to their replicas."""
        return {alias: link for alias, link in self._links.items() if connections[alias] is self._real[alias]}

    @contextlib.contextmanager
    def _traced_body(self, used: Mapping[str, Link], trace: Trace) -> Iterator[None]:
        with self._lag.body(used), trace.body():
            yield

    def end_transactions(self) -> None:
        """End transactions that a test left open on a mirror's own connection: their locks would hold back the next flush."""
        for alias in (*self._links, *self._on_primary):
            connection = self._real[alias]
            if connection.connection is not None and (connection.in_atomic_block or not connection.get_autocommit()):
                connection.in_atomic_block = False
                connection.close()

    def leave_out(self) -> None:
        """Say nothing of the routing of the running test: it disturbs servers."""
        if (routing := self._statement_log.routing) is not None:
            routing.leave_out()

    def stop_waiting(self) -> None:
        """Have reads of replicas wait no more: a test of this process, its last one, disturbs the servers.

        The run's lag ends, and what was committed before has arrived on return: the test begins with the same replicas whatever
        the run's lag is. Raises ``ServerError`` if a replica does not catch up.
        """
        if self._are_disturbed:
            return
        self._are_disturbed = True
        self.close()
        self._lag.give_up()
        if self._lag.is_lagging:
            await_replicas(self._pairs, self._connected())

    def await_new_replica(self, alias: str) -> None:
        """Return when the replica that has taken the place of that of *alias* has what was committed. Raises ``ServerError``."""
        self._real[alias].close()
        await_replica(self._pairs[alias], alias)

    def close(self) -> None:
        for link in self._links.values():
            link.close()
        self._lag.close()

    def _explain(self, connection: Any, sql: str, error: BaseException) -> None:
        if connection.alias in self._pairs:
            explain(connection.alias, self._pairs[connection.alias], sql, error)

    def _connect_in_thread(self, create: Callable[[str], Any], alias: str) -> Any:
        """The connection of *alias* for another thread than that of the tests: a mirror is connected as the tests have it.

        A strict run refuses nothing here: no other thread is in the transaction of a ``TestCase``.
        """
        connection = create(alias)
        return shared_connection(connection, connections[self._pairs[alias]]) if alias in self._shared else connection

    def _before_statement(self, connection: Any) -> None:
        link = self._links.get(connection.alias)
        if (
            link is None
            or self._are_disturbed
            or getattr(self._thread, "is_waiting", False)
            or isinstance(connection, SharedConnection)
            or not (self._lag.is_waiting or (self.trace is not None and self.trace.read_begins(connection.alias)))
        ):
            return
        if connection.needs_rollback or (connection.in_atomic_block and _has_failed(connection)):
            return  # the server will refuse the statement, and the test must see that error
        self._thread.is_waiting = True
        is_prompt = self.trace is not None and self.trace.is_prompt
        try:
            with self._lag.prompt(connection.alias) if is_prompt else contextlib.nullcontext():
                link.wait(connection)
        finally:
            self._thread.is_waiting = False
        if self.trace is not None:
            self.trace.read_waited()


def _is_in_memory(connection: Any) -> bool:
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())


def _has_failed(connection: Any) -> bool:
    """Whether the server has aborted the driver's transaction."""
    info = getattr(connection.connection, "info", None)
    return getattr(getattr(info, "transaction_status", None), "name", "") == "INERROR"
