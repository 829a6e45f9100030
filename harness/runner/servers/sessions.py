"""Reads the sessions of a timed-out test from the servers: their state, what they wait for, and which sessions block them.

An inspector asks, because the server itself may be the reason for the time-out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connections
from django.db.backends.base.base import NO_DB_ALIAS, BaseDatabaseWrapper

from ...protocol import naming
from ..databases.clones import TestDatabase
from ..descriptors import MemoryFile
from .inspector import start_inspector

DEADLINE_S = 1.8
"""Seconds that the servers have to answer; the worker is ended right after that."""
_SQL_CHARACTERS = 2000
_MOST = 20
"""Most sessions that are described; of more, active ones come first."""
_IDLE = frozenset({"idle", "sleep"})
_ensure_connection = BaseDatabaseWrapper.ensure_connection
"""Django's method: this module is imported before pytest-django replaces it."""


@dataclass(frozen=True, slots=True)
class ServerSession:
    """One connection as its server reports it. ``waits_for`` is empty if it waits for nothing but its client."""

    id: int
    state: str
    seconds: float
    waits_for: str
    blocked_by: tuple[int, ...]
    sql: str


def start(databases: Iterable[TestDatabase], replicas: Collection[str], slot: int, findings: MemoryFile) -> int:
    """Start an inspector that describes the sessions on the slot's clones. Returns its pid; the caller reaps it.

    ``replicas`` are the mirror aliases that have a server of their own.
    """
    texts = (
        _described(alias, naming.clone(database.template, slot))
        for database in databases
        for alias in database.aliases(replicas)
    )
    return start_inspector(texts, DEADLINE_S, findings)


def describe(title: str, sessions: Iterable[ServerSession]) -> str:
    """*sessions* as text, with deadlocks that no server can see: one session waits for another, and that one for the test."""
    sessions = list(sessions)
    by_id = {session.id: session for session in sessions}
    lines = [title]
    shown = sessions if len(sessions) <= _MOST else sorted(sessions, key=lambda each: each.state in _IDLE)[:_MOST]
    for session in shown:
        waits = f", waits for {session.waits_for}" if session.waits_for else ""
        blocked = f", held up by {', '.join(map(str, session.blocked_by))}" if session.blocked_by else ""
        lines.append(f"  session {session.id}: {session.state} for {session.seconds:.1f} s{waits}{blocked}")
        lines += [f"    {line}" for line in session.sql[:_SQL_CHARACTERS].splitlines()]
    if len(sessions) > _MOST:
        idle = sum(session.state in _IDLE for session in sessions)
        lines.append(f"  and {len(sessions) - _MOST} more: {len(sessions)} sessions in all, {idle} of them idle")
    for session in sessions:
        for other in session.blocked_by:
            if other in by_id and not by_id[other].blocked_by:
                lines.append(
                    f"  Deadlock between two connections of this test: session {session.id} waits for what session {other}"
                    f" holds, and that one is {by_id[other].state}: it will only go on when the test does."
                )
    return "\n".join(lines) + "\n"


def _described(alias: str, clone: str) -> str:
    vendor = connections[alias].vendor
    if vendor not in _SESSIONS:
        return ""
    connection = connections[alias].copy(NO_DB_ALIAS)
    connection.settings_dict["NAME"] = clone  # only there are the names of its tables known
    connection.settings_dict["OPTIONS"].pop("pool", None)
    # pytest-django refuses connections while no test runs
    setattr(connection, "ensure_connection", partial(_ensure_connection, connection))  # noqa: B010 - a method of this one alone
    with connection.cursor() as cursor:
        return describe(f"{alias} ({clone}), as its server sees it:", _SESSIONS[vendor](cursor, clone))


def _postgresql(cursor: Any, clone: str) -> list[ServerSession]:
    cursor.execute(
        "SELECT pid, coalesce(state, backend_type),"
        " extract(epoch FROM clock_timestamp() - coalesce(state_change, backend_start)),"
        " CASE WHEN wait_event_type IN ('Client', 'Activity') THEN '' ELSE concat_ws(' ', wait_event_type, wait_event,"
        "  (SELECT string_agg(concat_ws(' ', l.mode, 'on', l.relation::regclass::text), ', ') FROM pg_locks l"
        "   WHERE l.pid = a.pid AND NOT l.granted AND l.relation IS NOT NULL)) END,"
        " pg_blocking_pids(pid), query FROM pg_stat_activity a WHERE datname = %s AND pid <> pg_backend_pid()"
        " ORDER BY backend_start",
        [clone],
    )
    return [
        ServerSession(pid, state, float(seconds), waits_for, tuple(blocked_by), query)
        for pid, state, seconds, waits_for, blocked_by, query in cursor.fetchall()
    ]


def _mysql(cursor: Any, clone: str) -> list[ServerSession]:
    """The sessions on *clone*. InnoDB's lock waits are in the performance schema, which our servers run without. All sessions on
    a clone are of one test: one that waits for a lock counts as blocked by those that have a transaction open.
    """
    cursor.execute(
        "SELECT p.id, p.command, p.time, coalesce(p.state, ''), coalesce(p.info, ''), coalesce(t.trx_state, '')"
        " FROM information_schema.processlist p"
        " LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id WHERE p.db = %s ORDER BY p.id",
        [clone],
    )
    rows = cursor.fetchall()
    holders = [id for id, *_, transaction in rows if transaction == "RUNNING"]
    sessions = []
    for id, command, seconds, state, info, transaction in rows:
        doing = "idle in transaction" if command == "Sleep" and transaction else command.lower()
        is_waiting = transaction == "LOCK WAIT" or "lock" in state
        waits_for = "a row lock" if transaction == "LOCK WAIT" else "" if command == "Sleep" else state
        blocked_by = tuple(other for other in holders if other != id) if is_waiting else ()
        sessions.append(ServerSession(id, doing, float(seconds), waits_for, blocked_by, info))
    return sessions


_SESSIONS: Mapping[str, Callable[[Any, str], list[ServerSession]]] = {"postgresql": _postgresql, "mysql": _mysql}
