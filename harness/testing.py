"""Marks that a project's tests may import, and ``topology`` for tests of failover.

The marks affect the harness, and no other test runner; a test that calls ``topology`` is skipped there. Imports nothing of the
package. Where it is not installed, set the attribute instead of a mark: ``harness_timeout = 30`` in a class.
"""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

TIMEOUT = "harness_timeout"
WHOLE = "harness_whole"
MIRRORS = "harness_mirrors"

_Marked = TypeVar("_Marked", bound=Callable[..., object])
_Class = TypeVar("_Class")


def timeout(seconds: float) -> Callable[[_Marked], _Marked]:
    """Let the decorated test, or each test and fixture of the decorated class, take *seconds* instead of ``--timeout``'s.

    Raises ``ValueError`` unless *seconds* is more than 0.
    """
    if not seconds > 0:
        raise ValueError(f"a timeout is more than 0 seconds, not {seconds!r}")

    def mark(marked: _Marked) -> _Marked:
        setattr(marked, TIMEOUT, seconds)
        return marked

    return mark


def mirrors(mode: Literal["auto", "strict", "primary", "replica"]) -> Callable[[_Marked], _Marked]:
    """Connect the mirrors of the decorated test, or of the decorated class, in this *mode* instead of ``--mirrors``'s.

    ``replica``: to the real replica. ``primary``: through the primary's connection. Raises ``ValueError`` for another one.
    """
    if mode not in ("auto", "strict", "primary", "replica"):
        raise ValueError(f"mirrors are auto, strict, primary or replica, not {mode!r}")

    def mark(marked: _Marked) -> _Marked:
        setattr(marked, MIRRORS, mode)
        return marked

    return mark


def whole(cls: type[_Class]) -> type[_Class]:
    """Keep the tests of the decorated class in one worker, in their order: no time of earlier runs splits it."""
    setattr(cls, WHOLE, True)
    return cls


class TopologyError(Exception):
    """An action on a server that the harness could not carry out. The message has the reason and the next step."""


class _Control(Protocol):
    """The way to the servers, which a worker of the harness sets. Each method returns an error, or an empty text."""

    def begin(self) -> str:
        """Return when the running test is alone: no other test runs until it has ended."""

    def check(self, alias: str, role: Literal["primary", "replica"]) -> str:
        """Look whether *alias* has a server with that role."""

    def act(self, alias: str, role: Literal["primary", "replica"], action: str, value: str) -> str:
        """Carry out *action* on the server of *alias*."""


control: _Control | None = None
"""``None`` outside of the harness's workers, whose copy of this module has the name ``_WORKERS_COPY``."""
_WORKERS_COPY = "_django_ci_harness.testing"


def _raise(error: str) -> None:
    if error:
        raise TopologyError(error)


class Server:
    """A database server of the run. Each action returns when it is done, and raises ``TopologyError`` where it cannot be."""

    _role: Literal["primary", "replica"]

    def __init__(self, owner: _Control, alias: str) -> None:
        self._control = owner
        self._alias = alias
        _raise(owner.check(alias, self._role))

    def _act(self, action: str, value: str = "") -> None:
        _raise(self._control.act(self._alias, self._role, action, value))

    def pause(self) -> None:
        """Stop every process of the server by a signal: it keeps its connections, and answers nothing."""
        self._act("pause")

    def resume(self) -> None:
        """Let a paused server go on."""
        self._act("resume")

    def stop(self) -> None:
        """End the server: connections break, and new ones are refused. Its data stays."""
        self._act("stop")

    def start(self) -> None:
        """Start a stopped server again, with its data."""
        self._act("start")


class Primary(Server):
    """A primary server."""

    _role = "primary"


class Replica(Server):
    """A replica that streams from its primary."""

    _role = "replica"

    def lag(self, duration: str) -> None:
        """Let all that the primary writes arrive *duration* later: ``500ms``, ``2s``."""
        self._act("lag", duration)

    def freeze(self) -> None:
        """Let nothing arrive that the primary writes from now on."""
        self._act("freeze")

    def thaw(self) -> None:
        """End ``freeze``: what the primary has written meanwhile arrives."""
        self._act("thaw")

    def promote(self) -> None:
        """Make it a primary of its own, which takes writes, after it has applied all that it has received."""
        self._act("promote")

    def cut_off(self) -> None:
        """Take its primary away: it serves the rows that it has, and receives none."""
        self._act("cut_off")


class Topology:
    """The servers of the run, by the aliases of ``DATABASES``."""

    def __init__(self, owner: _Control) -> None:
        self._control = owner

    def primary(self, alias: str = "default") -> Primary:
        """The primary server of *alias*. Raises ``TopologyError`` where it has none."""
        return Primary(self._control, alias)

    def replica(self, alias: str) -> Replica:
        """The replica of *alias*, a mirror with a server of its own. Raises ``TopologyError`` where it has none."""
        return Replica(self._control, alias)


def topology() -> Topology:
    """The servers of the run, for a test that disturbs them; everything is put right after it.

    Such a test runs alone, after all others. To be called in a test, its ``setUp`` or a fixture of it. Raises
    ``unittest.SkipTest`` outside of the harness, and ``TopologyError`` outside of a test.
    """
    owner: _Control | None = getattr(sys.modules.get(_WORKERS_COPY), "control", None) or control
    if owner is None:
        raise unittest.SkipTest("needs the servers of a run of harness ci: harness.testing.topology()")
    _raise(owner.begin())
    return Topology(owner)
