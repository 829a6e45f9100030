"""The lag of replicas while the body of a test runs; see ``--replica-lag``.

Outside of bodies, replicas may be late too, and a read waits for its replica there as without lag.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ...protocol.messages import Lag
from .catch_up import CATCH_UP_S, Link, server_connection

Ask = Callable[[str, str, str], str]
"""Has the host carry out an action on a server, with a value, and returns its answer. Raises ``ServerError``."""


class ReplicaLag:
    """The *lag* of the replicas, whose ids are *servers* by mirror alias, in one process. *ask* carries out actions on them."""

    def __init__(self, lag: Lag, servers: Mapping[str, str], ask: Ask) -> None:
        self._lag = lag
        self._servers = servers
        self._ask = ask
        self._watched: dict[str, Any] = {}
        self._is_in_body = False

    @property
    def is_lagging(self) -> bool:
        """Whether reads in a body do not wait for their replica."""
        return self._lag.mode != "sync" and bool(self._servers)

    @property
    def is_waiting(self) -> bool:
        """Whether a read waits now."""
        return not self._is_in_body

    def begin(self) -> None:
        """Delay what the replicas get from now on, where a duration is asked for. Tests follow."""
        if self._lag.mode == "delayed":
            for server in self._distinct(self._servers):
                self._ask("lag", server, str(self._lag.seconds))

    def thaw(self) -> None:
        """Let everything arrive, where replicas are frozen."""
        self._act("thaw", self._servers)

    @contextlib.contextmanager
    def body(self, links: Mapping[str, Link]) -> Iterator[None]:
        """The body of a test that is connected to the replicas of *links*, by alias. It begins when each replica has everything
        that was committed before; within, reads do not wait.

        Raises ``ServerError`` if a replica does not catch up.
        """
        for alias, link in links.items():
            link.wait(self._connection(alias), CATCH_UP_S + self._lag.seconds)
        self._act("freeze", links)
        self._is_in_body = True
        try:
            yield
        finally:
            self._is_in_body = False
            self._act("thaw", links)

    def close(self) -> None:
        for connection in self._watched.values():
            connection.close()
        self._watched.clear()

    def _connection(self, alias: str) -> Any:
        """A connection to the replica of *alias* that no test sees or counts."""
        if alias not in self._watched:
            connection = self._watched[alias] = server_connection(alias)
            connection.inc_thread_sharing()
        return self._watched[alias]

    def _act(self, action: str, aliases: Collection[str]) -> None:
        if self._lag.mode == "frozen":
            for server in self._distinct(aliases):
                self._ask(action, server, "")

    def _distinct(self, aliases: Collection[str]) -> list[str]:
        """The servers of *aliases*: several aliases may be of one."""
        return sorted({self._servers[alias] for alias in aliases if alias in self._servers})
