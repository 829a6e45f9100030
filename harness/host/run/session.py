"""The main path of ``harness ci``, and of ``harness plan``, which is its beginning.

Owns the order of messages: the runner's journal is read in the main thread, while the servers come up in another one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import os
import posixpath
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host.config.options import Config, explain
from harness.host.interrupts import ignore_further, interruptible, submit, uninterrupted
from harness.host.launch.conversation import Conversation, end_error
from harness.host.launch.liveness import Liveness
from harness.host.planning import plan_view
from harness.host.planning.plan import ServerPlan, lag_notices, routed
from harness.host.project import dependencies, undeclared
from harness.host.project.dependencies import Installation
from harness.host.project.entry import MANAGE_PY
from harness.host.run import history
from harness.host.run.actions.server_actions import carry_out
from harness.host.run.environment import Environment, read_environment
from harness.host.run.files import left_behind
from harness.host.run.files.collected import collect
from harness.host.run.platforms import choice
from harness.host.run.record import Record
from harness.host.run.resources import Resources
from harness.host.run.server_start import ServerStart
from harness.host.run.task import below, entry, task
from harness.host.saving.job import SavedFile
from harness.host.saving.seed_cache import SeedCache, discard, open_cache
from harness.protocol import codec, naming
from harness.protocol.events import (
    AttemptFinished,
    AttemptsPassed,
    AttemptStarted,
    DatabasesReady,
    FilesWritten,
    Notice,
    RunAborted,
    RunFinished,
    ServerActionWanted,
    TopologyFound,
)
from harness.protocol.messages import Begin, Endpoint, RunSpec, SeedFound, ServersReady, Stop, UseRoutes
from harness.protocol.seed_events import SeedWanted
from harness.report.artifacts import Artifacts

if TYPE_CHECKING:
    from harness.host.run.servers import Servers

STOP_S = 15.0
"""The time, in seconds, that the runner has to end by itself after a ``Stop``."""
EXIT_S = 30.0
_OUT_OF_MEMORY = (
    "Processes of the runner's container were killed because its memory was used up; --parallel takes less."
)


def run_ci(config: Config, environment: Environment | None = None, *, is_command: bool = False) -> ExitCode:
    """Run the suite as *config* says, write the artifacts, and return the exit code.

    *environment* replaces the environment of this process: a run of several has no console of its own. *is_command* as for
    ``read_environment``.
    """
    # the run keeps its events, so that repeated garbage collection would cost more than reading them
    gc.set_threshold(100_000, 50, 100)
    environment = environment or read_environment(config, os.environ, is_command=is_command)
    # read before the artifacts are replaced: the file to replay may be one of them
    spec = dataclasses.replace(task(config), history=history.read(config, os.environ))
    with Artifacts.open(config.artifacts) as artifacts, contextlib.closing(environment.console(config)) as console:
        record = Record(config, environment, artifacts, console)
        with interruptible():
            try:
                _run(config, spec, record, artifacts)
            except BaseException as error:  # noqa: BLE001 - any exception must be in the reports, which are written all the same
                ignore_further()
                record.abort(error)
            ignore_further()
            code = record.finish()
            history.update(config, os.environ, record.report)
            return code


def show_plan(config: Config, as_json: bool) -> ExitCode:
    """Print the plan of a run, and start nothing but the runner."""
    environment = read_environment(config, os.environ)
    left_behind.carried(config)  # a wrong include is known before images are made
    plans: dict[str, ServerPlan] = {}
    installations: list[Installation] = []
    with interruptible():
        for django in config.django or ("",):
            one = dataclasses.replace(config, django=tuple(filter(None, [django])))
            with Resources(one, lambda *_: None) as resources:
                plans |= resources.plans(entry(one, plan_only=True))
            installations += filter(None, [_installation(one)])
    if as_json:
        document = {**plan_view.documents(plans), **plan_view.installation_document(installations)}
        environment.print_lines([json.dumps(document, indent=2)])
    else:
        environment.print_lines([*plan_view.tables(plans), *plan_view.installation_lines(installations)])
        if config.verbosity >= 2:
            environment.print_lines(["", *plan_view.columns(("key", "value", "from"), list(explain(config)))])
    return ExitCode.GREEN


def _installation(config: Config) -> Installation | None:
    """The installation of the project's dependencies; ``None`` where the tests run in the harness's own environment."""
    if config.runner == "host":
        return None
    engines = [spec.engine for spec in config.db]
    return dependencies.plan(
        config.project, config.install, config.extra_install, engines, config.root, config.run_django
    )


def _run(config: Config, spec: RunSpec, record: Record, artifacts: Artifacts) -> None:
    """Run the suite: everything that this starts is gone when it returns or raises."""
    resources = Resources(config, record.show_image_progress, record)
    _announce(config, record)
    with contextlib.ExitStack() as cleanup:
        with record.phase("images"):  # the connection to the engine included
            cleanup.enter_context(resources)
            if text := resources.take_kept_servers():
                record.add(Notice("kept-servers", text))
            cache = open_cache(config, record.add) if resources.lease is None else None
            run = cleanup.enter_context(_Run(resources, record, artifacts, cache))
            image = resources.runner_image()
        spec = dataclasses.replace(spec, cache=cache is not None)
        if cache is not None and config.runner == "host":
            spec = dataclasses.replace(spec, scratch=cleanup.enter_context(cache.scratch()))
        if resources.lease is not None and not config.keepdb:
            spec = dataclasses.replace(spec, django_args=(*spec.django_args, "--keepdb"))
        if python := resources.python_notice():
            record.add(python)
        run.begin()
        conversation = cleanup.enter_context(resources.conversation(image))
        try:
            run.drive(conversation, spec)
        finally:
            with record.phase("removal"):
                cleanup.close()


def _announce(config: Config, record: Record) -> None:
    """Record the notices that the configuration gives. Raises ``UsageError`` for a wrong ``include``."""
    listing = left_behind.carried(config)
    for notice in left_behind.incomplete(config.root, listing, is_copied=config.runner == "container"):
        record.add(notice)
    if text := choice.notice(config):
        record.add(Notice("servers-local", text))
    if config.sources["project"] == MANAGE_PY:
        record.add(Notice("project-found", f"{MANAGE_PY} is in {config.project}: that is the project."))
    if config.sources["workdir"] == MANAGE_PY:
        text = (
            f"{MANAGE_PY} is in {config.workdir}/: the tests run there. workdir in [tool.harness] names another folder."
        )
        record.add(Notice("workdir-found", text))
    if installation := _installation(config):
        record.show_image_progress("dependencies", dependencies.describe(installation))
        for text in installation.notices:
            record.add(Notice("driver-added", text))


class _Run:
    """One run: a runner and the servers that it needs. A context manager: the servers are gone at its end."""

    def __init__(self, resources: Resources, record: Record, artifacts: Artifacts, cache: SeedCache | None) -> None:
        self._resources = resources
        self._cache = cache
        self._record = record
        self._artifacts = artifacts
        self._conversation: Conversation
        self._liveness: Liveness
        self._plan: ServerPlan | None = None
        self._databases = DatabasesReady(())
        self._end: RunFinished | RunAborted | None = None
        self._written: tuple[str, ...] = ()
        self._lacks_a_module = False
        self._left_behind = left_behind.LeftBehind(resources.config)
        self._lost_servers: set[str] = set()
        self._is_aborted = self._is_over = False
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="servers")
        self._start = ServerStart(resources, record, self._pool, cache, self._servers_ready, self._lose, self._abort)
        self._schemas: Future[None] | None = None
        self._closing: Future[None] | None = None
        self._killers: list[threading.Timer] = []
        self._starting = contextlib.ExitStack()

    def __enter__(self) -> _Run:
        self._start.begin()  # the servers that are remembered from the last run
        return self

    def __exit__(self, *_exception: object) -> None:
        self._starting.close()
        with uninterrupted():
            if self._closing is None:  # the run ended before its runner was started
                self._start.close()
            self._pool.shutdown()
            if self._closing is not None:
                self._closing.result()

    def begin(self) -> None:
        """Record that the runner starts."""
        self._starting.enter_context(self._record.phase("runner"))

    def drive(self, conversation: Conversation, spec: RunSpec) -> None:
        """Read the runner's journal to its end, in every case. The servers' evidence is saved, and they are closed, while the
        runner is removed.
        """
        # the import is slow, and done by the time that the runner has sent its topology
        submit(self._pool, import_module, "harness.host.run.servers")
        self._conversation = conversation
        self._liveness = self._resources.liveness(conversation, self._kill)
        try:
            with self._liveness:
                try:
                    conversation.send(Begin(spec))
                    self._read_journal()
                    self._check_end()
                except HarnessError as error:
                    self._abort(error)
                    self._read_journal()
        finally:
            self._is_over = True
            self._start.end()
            for killer in self._killers:
                killer.cancel()
            with self._record.phase("reports"):
                self._collect()
                files = self._cache.fetch_files(conversation.runner) if self._cache is not None else ()
            self._closing = submit(self._pool, self._end_servers, files)

    def _end_servers(self, files: tuple[SavedFile, ...] | None) -> None:
        """Save schemas and logs of servers that are up, and leave these to a saver, or end them in every case."""
        is_saved = False
        try:
            if self._schemas is None:
                self._save_schemas()
            else:
                self._schemas.result()
            if self._start.servers is not None and self._start.are_up.is_set():
                with self._record.phase("reports"):
                    self._save_logs(self._start.servers)
            is_saved = self._start.save(self._databases, files, has_lost_server=bool(self._lost_servers))
        finally:
            if not is_saved:
                discard(files or ())
                self._start.close()

    def _read_journal(self) -> None:
        for line in self._liveness.watched(self._conversation.lines(self._record.flush)):
            self._starting.close()
            try:
                event = self._record.add_line(line)
            except codec.CodecError:
                if line.endswith(b"\n"):
                    raise
                return  # a torn line: the runner's end explains it
            self._liveness.take(event)
            if isinstance(event, AttemptStarted | AttemptsPassed) or (
                isinstance(event, AttemptFinished) and not event.outcome.is_red
            ):
                continue  # most events by far
            self._lacks_a_module |= undeclared.lacks_a_module(event)
            self._left_behind.take(event)
            if self._cache is not None:
                self._cache.take(event)
            match event:
                case TopologyFound():
                    self._plan = plan = self._resources.plan(event.topology, self._resources.config.db)
                    self._conversation.send(UseRoutes(plan.routes))
                    for route in plan.routes:
                        self._record.add(routed(route))
                    config = self._resources.config
                    for each in (*plan.notices, *lag_notices(plan, config.replica_lag, config.lag_check), *plan.advice):
                        self._record.add(each)
                    # in parallel with the runner, which sets Django up and discovers the tests
                    self._start.take_plan(plan)
                case SeedWanted():
                    self._start.take_wanted()
                case DatabasesReady():
                    self._databases = event
                    self._start.take_databases(event)
                case ServerActionWanted():
                    submit(self._pool, self._act, event)
                case FilesWritten():
                    self._written = event.paths
                case Notice(code="server-silent"):
                    submit(self._pool, self._check_servers)
                case RunFinished() | RunAborted():
                    self._end = event
                    if self._schemas is None:
                        self._schemas = submit(self._pool, self._save_schemas)  # while the runner ends
                    self._name_left_out()

    def _name_left_out(self) -> None:
        """Name the requirements that are not installed, if the project lacks a module, and missing files that are here."""
        config = self._resources.config
        if config.runner == "host":
            return
        if self._lacks_a_module:
            for text in undeclared.left_out(config.project, config.install, config.root):
                self._record.add(Notice("requirements-left-out", text))
        for notice in self._left_behind.notices():
            self._record.add(notice)

    def _servers_ready(self, endpoints: tuple[Endpoint, ...], seed: SeedFound | None) -> None:
        """Tell the runner where the servers are."""
        self._conversation.send(ServersReady(endpoints, seed))
        self._liveness.servers_are_up()

    def _act(self, wanted: ServerActionWanted) -> None:
        """Carry out the action that a test has asked for, and answer."""
        self._conversation.send(carry_out(self._start.servers, wanted))

    def _check_servers(self) -> None:
        """Look for lost servers when the runner gets no answer: only a server's container shows whether it is lost."""
        if self._start.servers is not None and self._start.are_up.is_set():
            with contextlib.suppress(ServerError):  # an engine that refuses cannot tell
                for server, loss in self._start.servers.losses().items():
                    self._lose(server, loss)

    def _lose(self, server: str, loss: ServerError) -> None:
        """Abort the run because *server* is gone: one clear cause instead of an error of each test."""
        if not self._is_over and not self._is_aborted:
            self._lost_servers.add(server)
            self._abort(loss)

    def _abort(self, error: BaseException) -> None:
        """Record *error*, ask the runner to end because of it, and stop the runner after ``STOP_S`` seconds."""
        self._is_aborted = True
        reason = self._record.abort(error)
        self._conversation.send(Stop(reason.message, reason.exit_code))
        killer = threading.Timer(STOP_S, self._conversation.runner.kill)
        killer.daemon = True
        self._killers.append(killer)
        killer.start()

    def _kill(self, problem: HarnessError) -> None:
        """Kill a runner that makes no progress, without asking it."""
        if not self._is_aborted:
            self._is_aborted = True
            self._record.abort(problem)
        self._conversation.runner.kill()

    def _check_end(self) -> None:
        """Raise the error for an end of the runner that contradicts its journal, unless the run is aborted already."""
        runner = self._conversation.runner
        ended = runner.wait(EXIT_S)
        if self._is_aborted:
            return
        if error := end_error(self._end, ended, runner.stderr.text()):
            raise error
        if ended.oom_killed:
            self._record.add(Notice("out-of-memory", _OUT_OF_MEMORY))

    def _collect(self) -> None:
        """Save the files that the tests have written, while the place where they ran is there."""
        config = self._resources.config
        wanted = [posixpath.join(below(config.root, config.project), path) for path in config.collect]
        is_complete = isinstance(self._end, RunFinished)
        runner, artifacts, note = self._conversation.runner, self._artifacts, self._record.add
        collect(runner, self._written, wanted, artifacts, note, is_complete=is_complete)

    def _save_schemas(self) -> None:
        """Save the schemas while the servers run. A missing schema does not change the result of the run."""
        servers = self._start.servers
        if servers is None or not self._start.are_up.is_set() or (self._is_aborted and servers.losses()):
            return  # a server with a stopped process would never answer
        server_of = {route.alias: route.server for route in self._plan.routes} if self._plan else {}
        with self._record.phase("reports"), ThreadPoolExecutor(thread_name_prefix="schema") as pool:
            dumps = [
                (database.alias, pool.submit(servers.dump_schema, server, database.template))
                for database in self._databases.databases
                if (server := server_of.get(database.alias)) is not None
            ]
            for alias, dump in dumps:
                try:
                    self._artifacts.keep(naming.schema_file(alias), dump.result())
                except ServerError as error:
                    self._record.add(Notice("no-schema", f"{error.message} {error.evidence}".strip()))

    def _save_logs(self, servers: Servers) -> None:
        """Save the servers' logs, and record what they show: a failure of a server that goes on running."""
        for id, text in servers.logs().items():
            self._artifacts.keep(naming.log_file(id), text)
        for server, failure in servers.failures().items():
            if server not in self._lost_servers:
                self._lost_servers.add(server)
                self._record.abort(failure)
