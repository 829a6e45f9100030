"""``harness up``: starts the servers of a project, or finds them, makes databases for development, and prints the ways to them.

``harness.host.run`` has the servers; the modules beside this one decide names and texts.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness.errors import ExitCode, ProjectError, ServerError, UsageError
from harness.host.config.options import Config
from harness.host.interrupts import interruptible
from harness.host.kept import access
from harness.host.kept.development import kept_aliases, wanted_databases
from harness.host.kept.shell import django_command, environment_of
from harness.host.planning.backends import backends_of
from harness.host.planning.plan import ServerPlan
from harness.host.retention.kept_servers import KeptServer, KeptServers
from harness.host.run import persistent_servers
from harness.host.run.environment import Environment, read_environment
from harness.host.run.persistent_servers import Lease
from harness.host.run.platforms import choice
from harness.host.run.record import throttled
from harness.host.run.resources import Resources
from harness.host.run.servers import Servers
from harness.host.run.task import entry
from harness.protocol.events import Event, Notice, ServerReady, TopologyFound
from harness.protocol.messages import Endpoint

REACHED_S = 5.0
NEXT = (
    "harness shell opens Django's shell on these databases, harness shell -- COMMAND runs a command on them,",
    "harness ci runs the tests on these servers, and harness down ends them, with all that is in their databases.",
)


@dataclass
class _Events:
    """The events of the servers: notices are printed to the error stream."""

    ready: dict[str, ServerReady] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        if isinstance(event, ServerReady):
            self.ready[event.server] = event
        elif isinstance(event, Notice):
            _say(f"note: {event.text}")

    def hide(self, secret: str) -> None:
        """No report is written."""


def run_up(config: Config, *, as_json: bool, as_exports: bool, migrate: bool) -> ExitCode:
    """Start the servers of the project, or find them, and print the ways to their databases. With *migrate*,
    ``manage.py migrate`` runs on each first.

    Raises ``UsageError`` for several backends, for a project that needs no server, and for servers that run and do not fit.
    """
    backends = backends_of(config.db, config.django)
    if len(backends) > 1:
        raise UsageError(
            f"harness up keeps the servers of one backend, and the configuration has {len(backends)}.",
            hint=f"Name one of them: harness up --db {backends[0].db[0]}",
        )
    environment = read_environment(config, os.environ)
    if text := choice.notice(config):
        _say(f"note: {text}")
    config = replace(config, network="open")  # a port of an isolated network cannot be reached from here
    with interruptible(), Resources(config, throttled(_say)) as resources:
        kept, password = _up(resources, config)
    found = access.accesses(kept, password, lambda program: shutil.which(program) is not None)
    if migrate:
        _migrate(config, kept, password)
    if as_json:
        environment.print_lines([json.dumps(access.document(kept, found), indent=2)])
    elif as_exports:
        environment.print_lines(access.exports(found))
    else:
        _print(environment, kept, found)
    return ExitCode.GREEN


def _print(environment: Environment, kept: KeptServers, found: list[access.Access]) -> None:
    without = [alias.alias for alias in kept.aliases if alias.server is None]
    environment.print_lines(access.lines(found))
    if without:
        environment.print_lines(["", f"Without a server: {', '.join(without)}."])
    environment.print_lines(["", *NEXT])


def _up(resources: Resources, config: Config) -> tuple[KeptServers, str]:
    """The servers, which run, and their password."""
    events = _Events()
    answer = resources.answer(entry(config, plan_only=True))
    found = next(event for event in answer if isinstance(event, TopologyFound))
    plan = resources.plan(found.topology, config.db)
    for notice in (*(event for event in answer if isinstance(event, Notice)), *plan.notices):
        events.add(notice)
    if not plan.servers:
        raise UsageError(
            "No alias of DATABASES needs a server.", hint="--db postgres gives each of them a database on PostgreSQL."
        )
    run = persistent_servers.up_run_id(config)
    records = persistent_servers.kept_records()
    earlier = records.read(run)
    running = resources.keeper.persistent(run)
    gone = [server.id for server in earlier.servers if server.id not in running] if earlier else []
    if gone:
        _say(f"note: {', '.join(gone)} ended since. All servers start anew, with empty databases.")
    is_new = not running or bool(gone)
    if is_new:
        resources.keeper.remove(run)
        records.forget(run)
    elif earlier is not None and (reason := persistent_servers.obstacle(config, earlier, running)):
        raise UsageError(
            f"The servers of harness up run, but do not fit: {reason}.",
            hint="harness down ends them, with all that is in their databases; harness up then starts others.",
        )
    with contextlib.ExitStack() as undo:
        if is_new:
            undo.callback(resources.keeper.remove, run)
        resources.use(Lease(run, is_up=True, is_replaceable=is_new or earlier is None, opens_ports=True))
        servers = resources.servers(plan, resources.prepare_servers(plan), events)
        with servers:
            endpoints = servers.endpoints()
            _check_reachable(endpoints)
            kept = _kept(config, plan, found, _kept_servers(resources, plan, endpoints, events.ready))
            if earlier is not None and not is_new:
                kept = replace(kept, made_at=earlier.made_at)
            _make_databases(servers, kept)
        _write(kept)
        undo.pop_all()
    return kept, endpoints[0].password


def _kept(config: Config, plan: ServerPlan, found: TopologyFound, servers: tuple[KeptServer, ...]) -> KeptServers:
    return KeptServers(
        run=persistent_servers.up_run_id(config),
        kind=config.server_kind,
        project=str(config.project),
        is_up=True,
        made_at=time.time(),
        settings=found.settings,
        choices=persistent_servers.choices(config),
        servers=servers,
        aliases=kept_aliases(found.topology, plan),
    )


def _kept_servers(
    resources: Resources, plan: ServerPlan, endpoints: Iterable[Endpoint], ready: dict[str, ServerReady]
) -> tuple[KeptServer, ...]:
    by_id = {endpoint.server: endpoint for endpoint in endpoints}
    return tuple(
        KeptServer(
            server.id,
            server.engine.name,
            f"{server.engine.title} {ready[server.id].version}",
            server.primary,
            by_id[server.id].host,
            by_id[server.id].port,
            *resources.programs(server),
        )
        for server in plan.servers
    )


def _check_reachable(endpoints: Iterable[Endpoint]) -> None:
    for endpoint in endpoints:
        try:
            socket.create_connection((endpoint.host, endpoint.port), REACHED_S).close()
        except OSError as error:
            raise ServerError(
                f"The server {endpoint.server} runs, but {endpoint.host}:{endpoint.port} cannot be reached from here: {error}.",
                hint="The engine publishes ports on its own machine: harness up needs an engine on this one. "
                "docker context ls shows which one is used.",
            ) from error


def _make_databases(servers: Servers, kept: KeptServers) -> None:
    for (server, database), owner in wanted_databases(kept.aliases).items():
        servers.create_database(server, database, owner)


def _write(kept: KeptServers) -> None:
    try:
        persistent_servers.kept_records().write(kept)
    except OSError as error:
        raise UsageError(
            f"The record of the servers cannot be written: {error}", hint="XDG_STATE_HOME names another folder for it."
        ) from error


def _migrate(config: Config, kept: KeptServers, password: str) -> None:
    """Run ``manage.py migrate`` on each database. Its output goes to the error stream: the other one may be evaluated."""
    left: set[tuple[str | None, str]] = set(wanted_databases(kept.aliases))
    for alias in kept.aliases:
        if alias.mirror_of is None and (alias.server, alias.database) in left:
            left.remove((alias.server, alias.database))
            command = django_command(config, kept, "migrate", f"--database={alias.alias}")
            folder = config.project / (config.workdir or "")
            done = subprocess.run(
                command, cwd=folder, env=environment_of(config, kept, password), stdout=sys.stderr, check=False
            )
            if done.returncode != 0:
                raise ProjectError(
                    f"{' '.join(command)} ended with exit status {done.returncode}.",
                    hint="The servers run; harness up --migrate tries again, harness down ends them.",
                )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
