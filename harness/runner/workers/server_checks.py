"""Checks the servers when a test has erred, while its worker waits for the coordinator's word to go on: see ``reach``.

Owns which workers wait for which look at the servers. A run without an errored test never looks.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence

from .. import unpatched
from ..host_channel import Journal, held_back
from ..processes.children import has_ended
from . import server_reachability
from .output_capture import Stream
from .server_reachability import GONE_S

SILENT = "server-silent"
"""The code of the notice that makes the host check its containers."""


class Lookout:
    """``ask`` begins a look for a worker, ``tick`` takes its result; *release* gets the slot of each worker that may go on."""

    def __init__(
        self, aliases: Sequence[str], pairs: Mapping[str, str], journal: Journal, release: Callable[[int], None]
    ) -> None:
        self._aliases = aliases
        self._pairs = pairs
        self._journal = journal
        self._release = release
        self._found = Stream("reach") if aliases else None
        self._pid = 0
        self._waiting: set[int] = set()
        self._looked_for: set[int] = set()
        self._since = 0.0
        self._next = 0.0
        self._is_told = False
        self._given_up: frozenset[str] = frozenset()

    @property
    def processes(self) -> set[int]:
        """The ids of the processes that it has started."""
        return {self._pid} - {0}

    def ask(self, slot: int) -> None:
        """Begin a look for the worker in *slot*, whose test has erred."""
        if self._found is None:
            self._release(slot)
            return
        self._waiting.add(slot)
        self.tick()

    def forget(self, slot: int) -> None:
        """Forget the worker in *slot*, which has ended."""
        self._waiting.discard(slot)
        self._looked_for.discard(slot)

    def tick(self) -> None:
        """Take the result of a finished look, and begin a look that is due. Raises ``ServerError`` if a replica has stopped."""
        now = unpatched.time.perf_counter()
        if self._pid and has_ended(self._pid):
            self._pid = 0
            self._take_in(now)
        if not self._pid and self._waiting and now >= self._next and self._found is not None:
            self._looked_for = set(self._waiting)
            self._since = self._since or now
            with held_back():
                self._pid = server_reachability.start(self._aliases, self._pairs, self._found)

    def close(self) -> None:
        """Kill a running look."""
        if self._pid:
            unpatched.os.kill(self._pid, signal.SIGKILL)
            unpatched.os.waitpid(self._pid, 0)
            self._pid = 0

    def _take_in(self, now: float) -> None:
        assert self._found is not None
        found = server_reachability.findings(self._found.everything())
        silent = frozenset(finding.alias for finding in found if finding.kind == "silent")
        word = server_reachability.judge(found, now - self._since)
        if word == "look again" and not (silent and silent <= self._given_up):
            if silent and not self._is_told:
                self._is_told = True
                self._journal.notice(SILENT, _told(found))
            self._next = now + server_reachability.PAUSE_S
            return
        if word == "give up":
            self._given_up = silent
            text = f"{_told(found)} It was waited for {GONE_S:g} s; the host knows of no loss, so the run goes on."
            self._journal.notice("server-given-up", text)
        elif not silent:
            self._given_up = frozenset()
        self._since, self._is_told = 0.0, False
        for slot in sorted(self._looked_for & self._waiting):
            self._waiting.discard(slot)
            self._release(slot)
        self._looked_for = set()


def _told(found: Sequence[server_reachability.Finding]) -> str:
    silent = [f"{finding.alias!r} ({finding.message})" for finding in found if finding.kind == "silent"]
    return f"No answer from the server of {', '.join(silent)}."
