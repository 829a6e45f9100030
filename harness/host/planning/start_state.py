"""Decides what the servers of a run are to be, and what is to be done for it, from what the run knows by now.

A run learns in this order, each once, or not at all: the plan of the last run, which is a guess; the plan of its own topology;
the seed that answers its runner. Pure functions and values: ``host.run.server_start`` acts, with one start at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from harness.host.planning.plan import PlannedServer, ServerPlan
from harness.host.platform import ServerSpec
from harness.host.seeds.decision import Parts


@dataclass(frozen=True, slots=True)
class Target:
    """The servers that are wanted, and the seeds that they start from."""

    plan: ServerPlan
    parts: Parts = field(default_factory=dict)

    def fits(self, other: Target | None) -> bool:
        """Whether servers of *other* are the same."""
        return other is not None and _servers(self.plan) == _servers(other.plan) and _digests(self) == _digests(other)


class Step(Enum):
    """The next thing to do."""

    WAIT = "wait for an event"
    START = "start the servers of the target, in place of those that differ"
    REPORT = "tell the runner of its servers"


@dataclass(frozen=True, slots=True)
class State:
    """The knowledge of a run about its servers. ``has_cache``: its runner is answered which seed its servers have.

    ``is_confirmed``: the plan is that of the run's own topology. ``is_answered``: the seed is the answer to its runner.
    ``started`` are the servers that are up, ``None`` while these are being started, or where a start has failed.
    """

    has_cache: bool
    target: Target | None = None
    started: Target | None = None
    is_confirmed: bool = False
    is_answered: bool = False
    is_reported: bool = False
    is_over: bool = False

    @property
    def step(self) -> Step:
        if self.is_over or self.target is None:
            return Step.WAIT
        if not self.target.fits(self.started):
            return Step.START
        is_known = self.is_confirmed and (self.is_answered or not self.has_cache)
        return Step.REPORT if is_known and not self.is_reported else Step.WAIT

    def remembered(self, plan: ServerPlan, parts: Parts) -> State:
        """The last run had *plan*, and *parts* are the seed of its key. A guess comes first or never."""
        return self if self.target is not None or not plan.servers else replace(self, target=Target(plan, parts))

    def planned(self, plan: ServerPlan) -> State:
        """The run has *plan*. Servers of another plan have another key: the seed of the guess is not theirs."""
        guess = self.target
        is_same = guess is not None and _servers(guess.plan) == _servers(plan)
        target = replace(guess, plan=plan) if guess is not None and is_same else Target(plan)
        return replace(self, target=target, is_confirmed=True)

    def answered(self, parts: Parts) -> State:
        """The run's servers start from *parts*: the runner wants these, or nothing if there are none. After ``planned``."""
        assert self.target is not None
        return replace(self, target=replace(self.target, parts=parts), is_answered=True)

    def refused(self, target: Target) -> State:
        """Servers do not start from the seed of *target*."""
        if self.target is None or not self.target.fits(target):
            return self
        return replace(self, target=Target(self.target.plan))

    def with_started(self, target: Target | None) -> State:
        """The servers of *target* are up; without one, the servers are being changed."""
        return replace(self, started=target)


def unchanged(
    servers: Iterable[PlannedServer], wanted: Mapping[str, ServerSpec], running: Mapping[str, ServerSpec]
) -> frozenset[str]:
    """The ids of those of *servers*, primaries first, that are *running* as *wanted*.

    A replica does not go on without its primary, whose log it follows from the start of both.
    """
    same: set[str] = set()
    for server in servers:
        if running.get(server.id) == wanted[server.id] and (server.primary is None or server.primary in same):
            same.add(server.id)
    return frozenset(same)


def primaries(plan: ServerPlan) -> tuple[PlannedServer, ...]:
    """The servers that are no replicas."""
    return tuple(server for server in plan.servers if server.primary is None)


def _servers(plan: ServerPlan) -> tuple[PlannedServer, ...]:
    """The servers of *plan* without what no server is started with."""
    return tuple(replace(server, aliases=()) for server in plan.servers)


def _digests(target: Target) -> Mapping[str, str]:
    return {name: part.digest for name, part in target.parts.items()}
