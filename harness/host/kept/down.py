"""``harness down``: ends the servers that ``harness up`` and ``--keepdb`` keep for a project."""

from __future__ import annotations

import os

from harness.errors import ExitCode
from harness.host import engine_address
from harness.host.config.options import Config
from harness.host.retention.kept_servers import KeptServers
from harness.host.run import persistent_servers
from harness.host.run.environment import read_environment
from harness.host.run.platforms.keepers import keeper


def run_down(config: Config) -> ExitCode:
    """End the servers that are kept for the project, and print them. Raises ``UsageError`` while a run uses them."""
    lines = []
    for run, kept in runs_of(config).items():
        for kind in (kept.kind,) if kept is not None else kinds():
            with keeper(kind) as servers:
                names = persistent_servers.remove(servers, run)
            if names:
                is_up = kept.is_up if kept is not None else run == persistent_servers.up_run_id(config)
                lines.append(f"ended: {', '.join(names)}, of {'harness up' if is_up else 'harness ci --keepdb'}")
    read_environment(config, os.environ).print_lines(lines or [f"No servers are kept for {config.project}."])
    return ExitCode.GREEN


def kinds() -> tuple[str, ...]:
    """The kinds of servers that can be there: those of an engine only if one answers."""
    return ("local",) if engine_address.silence() else ("local", "docker")


def runs_of(config: Config) -> dict[str, KeptServers | None]:
    """The runs whose servers may be kept for *config*'s project, with their records: also where a record was lost."""
    found: dict[str, KeptServers | None] = {
        persistent_servers.up_run_id(config): None,
        persistent_servers.run_id(config): None,
    }
    for kept in persistent_servers.kept_records().all():
        if kept.project == str(config.project):
            found[kept.run] = kept
    return found
