"""The servers that are kept for all projects of this user, as ``harness doctor`` lists and removes them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import ServerError, UsageError
from harness.host.retention.kept_servers import KeptServers
from harness.host.retention.stored_images import age
from harness.host.run import persistent_servers
from harness.host.run.platforms.keepers import keeper


@dataclass(frozen=True, slots=True)
class KeptNow:
    """Servers that outlive their command, with their state.

    ``running`` has the names of those that run; ``None`` where no engine answers.
    """

    kept: KeptServers
    running: tuple[str, ...] | None
    has_project: bool

    @property
    def is_dead(self) -> bool:
        """Whether nobody can use them any more."""
        return self.running == () or not self.has_project

    def line(self, now: float) -> str:
        """The line of the table; *now* is in seconds of the epoch."""
        kept = self.kept
        servers = [f"{server.id} ({server.title}, {server.host}:{server.port})" for server in kept.servers]
        if self.running is None:
            state = "containers of an engine that does not answer"
        elif self.running:
            state = f"{', '.join(servers or self.running)}, {persistent_servers.KINDS[kept.kind]}"
        else:
            state = "ended"
        gone = "" if self.has_project else ", whose folder is gone"
        made_by = "harness up" if kept.is_up else "harness ci --keepdb"
        return f"{kept.project}{gone}: {made_by}, {age(now - kept.made_at)}: {state}"


def kept_now(remove_dead: bool, remove_all: bool) -> tuple[list[KeptNow], list[str]]:
    """The servers that are kept, after a removal; the projects of the removed ones. Those that a run uses stay."""
    left, removed = [], []
    for kept in persistent_servers.kept_records().all():
        each = KeptNow(kept, None, Path(kept.project).is_dir())
        with contextlib.suppress(ServerError, UsageError), keeper(kept.kind) as servers:
            each = replace(each, running=tuple(servers.persistent(kept.run)))
            if remove_all or (remove_dead and each.is_dead):
                persistent_servers.remove(servers, kept.run)
                removed.append(kept.project)
                continue
        left.append(each)
    return left, removed
