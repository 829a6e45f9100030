"""Checks the servers when a test has erred, while its worker waits for permission to go on: see ``reachability``.

Owns which workers wait for which check. A run without an errored test never checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .. import unpatched
from ..descriptors import MemoryFile
from ..host_channel import Journal
from ..processes.children import has_ended, kill_child
from . import reachability
from .reachability import GONE_S, Finding

SILENT = "server-silent"
"""The code of the notice that makes the host check its containers."""


class ServerChecks:
    """``request`` begins a check for a worker, ``tick`` takes its result; *release* gets each slot whose worker may go on."""

    def __init__(
        self, aliases: Sequence[str], pairs: Mapping[str, str], journal: Journal, release: Callable[[int], None]
    ) -> None:
        self._aliases = aliases
        self._pairs = pairs
        self._journal = journal
        self._release = release
        self._findings = MemoryFile("findings")
        self._pid = 0
        self._waiting: set[int] = set()
        self._checked: set[int] = set()
        self._since = 0.0
        self._next = 0.0
        self._is_reported = False
        self._given_up: frozenset[str] = frozenset()

    @property
    def processes(self) -> set[int]:
        """The id of the running inspector, if there is one."""
        return {self._pid} - {0}

    def request(self, slot: int) -> None:
        """Begin a check for the worker in *slot*, whose test has erred."""
        if not self._aliases:
            self._release(slot)
            return
        self._waiting.add(slot)
        self.tick()

    def forget(self, slot: int) -> None:
        """Forget the worker in *slot*, which has ended."""
        self._waiting.discard(slot)
        self._checked.discard(slot)

    def tick(self) -> None:
        """Take the result of a finished check, and begin a check that is due. Raises ``ServerError`` if a replica has stopped."""
        now = unpatched.time.perf_counter()
        if self._pid and has_ended(self._pid):
            self._pid = 0
            self._take(reachability.findings(self._findings.text()), now)
        if not self._pid and self._waiting and now >= self._next:
            self._checked = set(self._waiting)
            self._since = self._since or now
            self._pid = reachability.start(self._aliases, self._pairs, self._findings)

    def close(self) -> None:
        """Kill a running check."""
        if self._pid:
            kill_child(self._pid)
            self._pid = 0

    def _take(self, found: Sequence[Finding], now: float) -> None:
        silent = frozenset(finding.alias for finding in found if finding.kind == "silent")
        decision = reachability.judge(found, now - self._since)
        if decision == "check again" and not (silent and silent <= self._given_up):
            if silent and not self._is_reported:
                self._is_reported = True
                self._journal.notice(SILENT, _no_answer(found))
            self._next = now + reachability.PAUSE_S
            return
        if decision == "give up":
            self._given_up = silent
            text = f"{_no_answer(found)} It was waited for {GONE_S:g} s; the host knows of no loss, so the run goes on."
            self._journal.notice("server-given-up", text)
        elif not silent:
            self._given_up = frozenset()
        self._since, self._is_reported = 0.0, False
        for slot in sorted(self._checked & self._waiting):
            self._waiting.discard(slot)
            self._release(slot)
        self._checked = set()


def _no_answer(found: Sequence[Finding]) -> str:
    silent = [f"{finding.alias!r} ({finding.message})" for finding in found if finding.kind == "silent"]
    return f"No answer from the server of {', '.join(silent)}."
