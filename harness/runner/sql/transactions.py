"""Finds transactions that cross servers: statements that go to one server inside a project's transaction on another one.

The transactions that a ``TestCase`` opens itself are none of the project's.
"""

from __future__ import annotations

from typing import Any

from .. import private_apis, unpatched

Server = tuple[str, str]


def server_of(db: Any) -> Server:
    """The server of a connection's alias: in a ``TestCase``, that of a mirror is its own although it is not connected to it."""
    settings = (
        db.settings_dict if db.vendor != "sqlite" else {}
    )  # a HOST of SQLite is one that the settings had for another
    return str(settings.get("HOST") or ""), str(settings.get("PORT") or "")


class _Connection:
    """A connection that has sent a statement. ``block`` is its project's outermost open ``atomic``, of which ``others`` are the
    aliases on other servers that sent statements meanwhile; ``is_used``: it has read or written rows itself in it.
    """

    __slots__ = ("block", "db", "is_used", "others", "server", "thread")

    def __init__(self, db: Any) -> None:
        self.db, self.server, self.thread = db, server_of(db), unpatched.threading.get_ident()
        self.block: Any = None
        self.is_used = False
        self.others: set[str] = set()

    def enter(self) -> bool:
        """Look which transaction is open. Returns whether there is one."""
        block = private_apis.outermost_atomic(self.db) if self.db.in_atomic_block else None
        if block is not self.block:
            self.block, self.is_used = block, False
            self.others.clear()
        return block is not None


class Transactions:
    """The transactions of the running test. ``crossed`` has those that crossed servers: the transaction's alias and the other."""

    def __init__(self) -> None:
        self.crossed: set[tuple[str, str]] = set()
        self._connections: dict[int, _Connection] = {}

    def begin(self) -> None:
        """Forget everything: another test begins."""
        if self._connections:
            self._connections = {}
            self.crossed = set()

    def note(self, db: Any, *, has_rows: bool) -> None:
        """Note a statement on *db*; without *has_rows* it reads and writes no rows, as ``BEGIN``."""
        own = self._connections.get(id(db))
        if own is None:
            own = self._connections[id(db)] = _Connection(db)
        if not has_rows:
            return
        if own.enter():
            own.is_used = True
            self.crossed.update((db.alias, other) for other in own.others)
        if len(self._connections) == 1:
            return
        # a copy: a thread of a live server may add its connection
        for each in tuple(self._connections.values()):
            if each.server != own.server and each.thread == own.thread and each.enter():
                each.others.add(db.alias)
                if each.is_used:
                    self.crossed.add((each.db.alias, db.alias))
