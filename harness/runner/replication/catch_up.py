"""Waits until a replica has everything that its primary has, and reports one that has stopped.

Raw cursors of the driver are used throughout, so that nothing here appears in a test's SQL.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import NO_DB_ALIAS, BaseDatabaseWrapper

from ...errors import ServerError
from .. import unpatched
from .positions import GtidPositions, Health, Position, Positions, WalPositions

CATCH_UP_S = 30.0
CONNECT_S = 10.0
"""Seconds that a replica of PostgreSQL that has lost its primary may take to find it again; it tries every five seconds."""
STOPS_WITHIN_S = 1.0
"""Seconds that a replica may take to come to the statement that stops it."""
_NEUTRAL_DATABASE = {"postgresql": "postgres", "mysql": ""}
_OPTIONS_OF_TESTS = frozenset({"pool", "cursorclass"})
_MULTI_STATEMENTS = 1 << 16
"""A flag of MySQL's protocol; the drivers use the same number."""
_ensure_connection: Callable[[BaseDatabaseWrapper], None] = BaseDatabaseWrapper.ensure_connection
"""Django's method: pytest-django replaces it, to refuse connections outside of tests that ask for one."""
_POSITIONS: dict[str, type[Positions]] = {"postgresql": WalPositions, "mysql": GtidPositions}
_OPTIONS_OF_OURS: dict[str, dict[str, Any]] = {"mysql": {"charset": "utf8mb4", "client_flag": _MULTI_STATEMENTS}}


class NoAnswerError(ServerError):
    """One of the two servers takes no connection: it is gone, or has no free connection for now."""


class NotReceivingError(ServerError):
    """A replica of PostgreSQL that has no connection to its primary, at the moment or for good."""


class Link:
    """A primary and one of its replicas, as seen by one process, whose threads (a live server's) share the link.

    The primary is asked over a connection of its own: the test's may be in a transaction that has failed, or forbidden.
    """

    def __init__(self, primary: str) -> None:
        self._primary = primary
        self._monitor: Any = None
        self._asking = unpatched.threading.Lock()
        self._reached: Position | None = None
        self._positions: Positions = _POSITIONS[connections[primary].vendor]()

    def wait(self, replica: Any, deadline_s: float = CATCH_UP_S) -> None:
        """Return when the server behind *replica* (a Django connection) has everything that its primary has now. Raises as
        ``await_position`` does.
        """
        wanted = self._position()
        if self._reached is not None and self._positions.is_covered(wanted, self._reached):
            return
        replica.ensure_connection()
        with replica.connection.cursor() as cursor:
            self._reached = await_position(self._positions, cursor, wanted, deadline_s, self._primary) or self._reached

    def check(self, replica: Any) -> None:
        """Raise ``ServerError`` if the server behind *replica* (a Django connection) has stopped following its primary, which
        shows after a moment. A late replica has not stopped.
        """
        with contextlib.suppress(ServerError):
            self.wait(replica, STOPS_WITHIN_S)
        with replica.connection.cursor() as cursor:
            health = self._positions.health(cursor)
        if health is not None:
            _raise_if_stopped(health, self._positions.hint, self._primary)

    def open(self) -> None:
        """Connect to the primary now instead of at the first wait: a test may forbid connections."""
        with contextlib.suppress(Exception), self._asking:  # the test's own wait raises the error
            self._connect()

    def close(self) -> None:
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    def _position(self) -> Any:
        with self._asking:
            self._connect()
            with self._monitor.connection.cursor() as cursor:
                return self._positions.position(cursor)

    def _connect(self) -> None:
        if self._monitor is None:
            self._monitor = server_connection(self._primary)
            self._monitor.inc_thread_sharing()  # else only the thread that opened it could close it


def await_position(
    positions: Positions, cursor: Any, wanted: Position, deadline_s: float, primary: str
) -> Position | None:
    """Wait until the replica behind *cursor* has *wanted*, and return its position; ``None`` if the server is no replica.

    Raises ``ServerError`` after *deadline_s*, and before that if the replica has stopped.
    """
    began = unpatched.time.perf_counter()
    while (reached := positions.arrival(cursor, wanted)) is None:
        health = positions.health(cursor)
        if health is None:
            return None
        waited = unpatched.time.perf_counter() - began
        if not health.may_recover or waited > CONNECT_S:
            _raise_if_stopped(health, positions.hint, primary)
        if waited > deadline_s:
            raise ServerError(
                f"The replica of {primary!r} did not catch up within {deadline_s:g} s.",
                hint="Look at its log in the artifacts: an open transaction, or something else on it, may hold back what it"
                " applies.",
                evidence=f"primary at {' '.join(map(str, wanted))}; the replica says: {health.progress or 'nothing'}",
            )
    return reached


def _raise_if_stopped(health: Health, hint: str, primary: str) -> None:
    if health.stopped:
        error = NotReceivingError if health.may_recover else ServerError
        text = f"The replica of {primary!r} has stopped {health.stopped} what its primary sends."
        raise error(text, hint=hint, evidence=health.error)


def server_connection(alias: str) -> BaseDatabaseWrapper:
    """An open connection to the server behind *alias*, to no test database, in autocommit; the caller closes it.

    The project's ``OPTIONS`` for a pool or for another type of rows are left out: this connection lives as long as its process.
    """
    connection = connections[alias]
    options = {key: value for key, value in connection.settings_dict["OPTIONS"].items() if key not in _OPTIONS_OF_TESTS}
    options |= _OPTIONS_OF_OURS.get(connection.vendor, {})
    neutral = _NEUTRAL_DATABASE[connection.vendor]
    settings = {**connection.settings_dict, "NAME": neutral, "OPTIONS": options, "AUTOCOMMIT": True}
    wrapper: Any = connection.__class__(settings, alias=NO_DB_ALIAS)
    wrapper.ensure_connection = partial(_ensure_connection, wrapper)
    with wrapper.wrap_database_errors:
        if wrapper.vendor == "mysql":
            # without Django's own first statements on a connection, which would appear in a test's SQL
            wrapper.connection = wrapper.get_new_connection(wrapper.get_connection_params())
            wrapper.connection.autocommit(True)
        else:
            type(wrapper).connect(wrapper)
    opened: BaseDatabaseWrapper = wrapper
    return opened


def await_replicas(pairs: Mapping[str, str], replicas: Iterable[str]) -> None:
    """Return when each replica has everything that its primary has. ``pairs`` maps each mirror to its primary, ``replicas`` are
    the mirrors that have a server of their own. Raises ``ServerError``, for a replica that has stopped with the cause.
    """
    for mirror in sorted(set(replicas) & pairs.keys()):
        await_replica(pairs[mirror], mirror)


def await_replica(primary: str, mirror: str) -> None:
    """Return when the replica behind the alias *mirror* has everything that its primary has, such as a new clone.

    To look for a clone by its name would not do: the replica may still show one of an earlier worker or run.
    """
    with _both(primary, mirror) as (link, replica):
        link.wait(replica)


def check_replicas(pairs: Mapping[str, str], replicas: Iterable[str]) -> None:
    """Raise ``ServerError`` if a replica has stopped, with the cause; a stopped replica may stay up and answer."""
    for mirror in sorted(set(replicas) & pairs.keys()):
        with contextlib.suppress(NotReceivingError):  # it may find its primary again; a wait reports a lasting loss
            check_replica(pairs[mirror], mirror)


def check_replica(primary: str, mirror: str) -> None:
    """Raise ``ServerError`` if the replica behind *mirror* has stopped; ``NotReceivingError`` if it has no primary at the
    moment.
    """
    with _both(primary, mirror) as (link, replica):
        link.check(replica)


@contextlib.contextmanager
def _both(primary: str, mirror: str) -> Iterator[tuple[Link, BaseDatabaseWrapper]]:
    """Short-lived connections to both servers, to no test database: the replica may have lost it."""
    with contextlib.closing(Link(primary)) as link:
        try:
            with contextlib.closing(server_connection(mirror)) as replica, replica.wrap_database_errors:
                yield link, replica
        except DatabaseError as error:
            raise NoAnswerError(
                f"The replica of {primary!r}, or {primary!r} itself, does not answer: {error}".strip(),
                hint="Their logs are in the artifacts.",
            ) from error
