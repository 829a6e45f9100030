"""The data of a run in the runner, from the routes to its end."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from ...protocol.events import AttemptFinished, RunPlanned
from ...protocol.messages import Route, RunSpec
from ...protocol.results import Outcome, PlannedTest
from ...protocol.topology import Role, Topology
from ..failures import FailureDescriber, project_root
from ..host_channel import HostMessages, Journal
from ..schedule.units import Plan
from ..seeds.seeding import Seeding
from ..sql.statement_log import StatementLog
from .settings_overlay import Gate, Overlay


@dataclass(slots=True)
class Session:
    """Data that the run gives to the runner, and results that the runner leaves in it.

    ``planned`` has the ids of all planned tests in order, each with whether it has an outcome. ``searched`` are the labels below
    which tests of pytest were looked for last.
    """

    spec: RunSpec
    topology: Topology
    routes: tuple[Route, ...]
    gate: Gate
    seeding: Seeding
    overlay: Overlay
    journal: Journal
    messages: HostMessages
    unset: tuple[str, ...]
    workers: int
    statement_log: StatementLog = field(default_factory=StatementLog)
    describer: FailureDescriber = field(default_factory=lambda: FailureDescriber(project_root()))
    workdir: str = field(default_factory=os.getcwd)
    planned: dict[str, bool] = field(default_factory=dict)
    searched: tuple[str, ...] | None = None
    red: int = 0

    @property
    def replicas(self) -> frozenset[str]:
        """The mirror aliases that have a server of their own."""
        return frozenset(self.replica_servers)

    @property
    def replica_servers(self) -> dict[str, str]:
        """The ids of the servers of these."""
        return {each.alias: each.server for each in self.routes if each.role == "replica" and each.server is not None}

    @property
    def servers(self) -> dict[str, tuple[str, Role]]:
        """The id and the role of each alias's server."""
        return {each.alias: (each.server, each.role) for each in self.routes if each.server}

    def leave_out(self, tests: Iterable[str], reason: str) -> None:
        """Report that *tests*, which are planned, do not run. That is red."""
        for test in tests:
            self.journal.write(AttemptFinished(test, 1, Outcome.NOT_RUN, 0.0, reason=reason, final=True))
            self.planned[test] = True
            self.red += 1

    def mirrors_of(self, made: Container[str]) -> dict[str, str]:
        """The mirrors of the aliases in *made*, whose databases were made, each with its primary."""
        return {each.alias: each.mirror_of for each in self.routes if each.mirror_of and each.mirror_of in made}

    def announce(self, tests: tuple[PlannedTest, ...], plan: Plan, seed: int | None) -> None:
        """Report *tests*, which are those of *plan* and others that have their outcome."""
        self.journal.write(RunPlanned(tests, self.workers_for(plan), seed, plan.is_longest_first))

    def workers_for(self, plan: Plan) -> int:
        """The number of workers for *plan*. A frozen replica is frozen for the tests of every worker: there is one."""
        is_frozen = self.spec.lag.mode == "frozen" and bool(self.replicas)
        return 1 if self.spec.replay or is_frozen else max(1, min(self.workers, len(plan.units)))
