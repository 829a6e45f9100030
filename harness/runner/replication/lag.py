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
    """The *lag* of the replicas, whose ids are *servers* by mirror alias, in one process. *ask* carries out actions on them, and
    a duration is asked for in the name of *holder*: other processes may be in a body too.
    """

    def __init__(self, lag: Lag, servers: Mapping[str, str], ask: Ask, holder: str = "") -> None:
        self._lag = lag
        self._holder = holder
        self._servers = servers
        self._ask = ask
        self._watched: dict[str, Any] = {}
        self._is_in_body = self._is_given_up = False

    @property
    def is_lagging(self) -> bool:
        """Whether reads in a body do not wait for their replica."""
        return self._lag.mode != "sync" and bool(self._servers)

    @property
    def is_waiting(self) -> bool:
        """Whether a read waits now."""
        return not self._is_in_body

    def end(self) -> None:
        """Let everything arrive at once."""
        self._let_go(self._servers)

    def give_up(self) -> None:
        """Let everything arrive at once for the rest of this process: its test disturbs the servers, and may make them late."""
        self._is_given_up = True
        self.end()

    @contextlib.contextmanager
    def body(self, links: Mapping[str, Link]) -> Iterator[None]:
        """The body of a test that is connected to the replicas of *links*, by alias. It begins when each replica has everything
        that was committed before; within, reads do not wait.

        Raises ``ServerError`` if a replica does not catch up. After ``give_up``, nothing is waited for or late.
        """
        if self._is_given_up:  # in set-up: a server may be down
            yield
            return
        for alias, link in links.items():
            link.wait(self._connection(alias), CATCH_UP_S + self._lag.seconds)
        self._hold(links)
        self._is_in_body = True
        try:
            yield
        finally:
            self._is_in_body = False
            if not self._is_given_up:  # else it would undo what the test asked for
                self._let_go(links)

    @contextlib.contextmanager
    def prompt(self, alias: str) -> Iterator[None]:
        """A part of the body in which the replica of *alias* is not late on behalf of this process."""
        self._let_go((alias,))
        try:
            yield
        finally:
            self._hold((alias,))

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

    def _hold(self, aliases: Collection[str]) -> None:
        for server in self._distinct(aliases):
            if self._lag.mode == "frozen":
                self._ask("freeze", server, "")
            elif self._lag.mode == "delayed":
                self._ask("lag", server, f"{self._lag.seconds} {self._holder}")

    def _let_go(self, aliases: Collection[str]) -> None:
        for server in self._distinct(aliases):
            if self._lag.mode == "frozen":
                self._ask("thaw", server, "")
            elif self._lag.mode == "delayed":
                self._ask("lag", server, f"0 {self._holder}")

    def _distinct(self, aliases: Collection[str]) -> list[str]:
        """The servers of *aliases*: several aliases may be of one."""
        return sorted({self._servers[alias] for alias in aliases if alias in self._servers})
