"""The resources of a run: what its servers are started from and run on, and the place of the runner.

Owns which of them a configuration needs. ``host.run.session`` uses them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from typing import IO, TYPE_CHECKING, Protocol

from harness.errors import HarnessError, ServerError, UsageError
from harness.host.config.databases import DbSpec
from harness.host.config.options import Config
from harness.host.images import build_environment
from harness.host.interrupts import submit, uninterrupted
from harness.host.launch.child_process import ChildRunner
from harness.host.launch.conversation import Conversation
from harness.host.launch.liveness import Liveness
from harness.host.planning import placement
from harness.host.planning.backends import backends_of
from harness.host.planning.plan import PlannedServer, ServerPlan, make_plan
from harness.host.platform import Seed
from harness.host.project.files import FOLDER, project_files, project_tar
from harness.host.run import persistent_servers
from harness.host.run.environment import variables_of_tests
from harness.host.run.persistent_servers import Keeper, Lease
from harness.host.run.record import Record
from harness.protocol import codec
from harness.protocol.events import Event, FrameworkChosen, Notice, RunAborted, TopologyFound
from harness.protocol.messages import Begin, RunSpec
from harness.protocol.topology import Topology

if TYPE_CHECKING:
    from harness.host.docker.build_log import OnProgress
    from harness.host.run.platforms.engine import EngineResources
    from harness.host.run.platforms.local import LocalResources
    from harness.host.run.servers import Servers


class EventSink(Protocol):
    """Takes the events of servers, and the password that no report may show."""

    def add(self, event: Event) -> None: ...

    def hide(self, secret: str) -> None: ...


class Resources:
    """The resources of a run: those of an engine or of this machine, and the place of the runner. A context manager."""

    def __init__(self, config: Config, on_progress: OnProgress, record: Record | None = None) -> None:
        self.config = config
        self._on_progress = on_progress
        self._record = record
        self._run = secrets.token_hex(4)
        self._cleanup = contextlib.ExitStack()
        self._ahead = ThreadPoolExecutor(4, thread_name_prefix="ahead")
        self._ground: EngineResources | LocalResources
        self._engine: EngineResources | None = None
        self._password = secrets.token_urlsafe(24)
        self._notices: set[Notice] = set()

    def __enter__(self) -> Resources:
        try:
            self._ground = self._make_ground()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make_ground(self) -> EngineResources | LocalResources:
        config, ahead, cleanup = self.config, self._ahead, self._cleanup
        if config.server_kind == "local":
            from harness.host.run.platforms.local import LocalResources

            return LocalResources(config, self._on_progress, ahead, self._add)
        # nothing of Docker is imported where no engine is needed
        from harness.host.run.platforms.engine import EngineResources

        settings = partial(build_environment.read, config, os.environ)
        self._engine = EngineResources(config, self._run, self._on_progress, settings, ahead, cleanup)
        return self._engine

    def _add(self, notice: Notice) -> None:
        if self._record is not None and notice not in self._notices:  # servers may be prepared again
            self._notices.add(notice)
            self._record.add(notice)

    def __exit__(self, *_exception: object) -> None:
        with uninterrupted():
            self._ahead.shutdown()  # resources that are still being made exist after this, and are removed with the rest
            self._cleanup.close()

    def take_kept_servers(self) -> str:
        """Use servers that outlive the run, if it is for them; a text for the user, empty where there is nothing to say.

        Raises ``UsageError`` where another run uses those of ``--keepdb``.
        """
        self._ground.lease, text = persistent_servers.take(self.config, self._ground, self._cleanup)
        return text

    def use(self, lease: Lease) -> None:
        """Use the servers of *lease*. Raises ``UsageError`` where they may be replaced and another command uses them."""
        try:
            self._cleanup.enter_context(persistent_servers.held(lease.run))
        except UsageError:
            if lease.is_replaceable:
                raise
        self._ground.lease = lease

    @property
    def lease(self) -> Lease | None:
        """The lease of the servers that outlive the run and that it uses."""
        return self._ground.lease

    @property
    def keeper(self) -> Keeper:
        """The access to servers that outlive a run."""
        return self._ground

    def programs(self, server: PlannedServer) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """The folders with the client of *server*, and the variables that it needs; none where it is that of this machine."""
        return self._ground.programs(server)

    def runner_image(self) -> str | None:
        """The image of the runner; makes those of the servers in ``db`` at the same time.

        ``None`` where the runner is a child of this process.
        """
        if self.config.runner == "container":
            _ = self._archive  # made meanwhile
        return self._ground.runner_image()

    def python_notice(self) -> Notice | None:
        """The notice on the runner's Python where its source is an unusual one; after ``runner_image``."""
        return self._ground.python_notice(is_plan=False)

    def plan(self, topology: Topology, db: Sequence[DbSpec]) -> ServerPlan:
        """The plan for *topology* on the engines of *db*, with the versions that there are. Raises as ``make_plan``."""
        return make_plan(topology, db, self._ground.versions())

    def prepare_servers(self, plan: ServerPlan) -> Mapping[tuple[str, str], str]:
        """Make what the servers of *plan* are started from; the image of each engine and version, of containers alone."""
        return self._ground.prepare(plan)

    def source(self, engine: str, version: str) -> str:
        """The programs of the servers of an engine's version, and their recipe; after ``prepare_servers``."""
        return self._ground.source(engine, version)

    def give_away(self) -> tuple[str, int]:
        """Leave all of the run that is left at its end to another process: the run's id, and the descriptor of its watchdog, -1
        where there is none.
        """
        return self._run, self._ground.give_away()

    def servers(
        self,
        plan: ServerPlan,
        images: Mapping[tuple[str, str], str],
        record: EventSink,
        on_loss: Callable[[str, ServerError], None] | None = None,
        seeds: Mapping[str, Seed] | None = None,
        cache: str = "",
        replaced: Servers | None = None,
    ) -> Servers:
        """The servers of *plan*, not yet up, on the migrated *seeds* of the *cache* of that name, in place of those *replaced*.
        *on_loss* is called when a server that is up goes away. Without a cache, *record* gets an event as each one is up.
        """
        from harness.host.run.servers import ServerOptions, Servers

        config = self.config
        is_local = config.server_kind == "local"
        placed = placement.place(plan.servers, config.servers, self._ground.memory_bytes(), is_local=is_local)
        for notice in placed.notices:
            if notice not in self._notices:  # servers may be started again
                self._notices.add(notice)
                record.add(notice)
        platform = self._ground.platform(plan, images, cache)
        lease = self.lease
        password = persistent_servers.password(platform.persistent(lease.run)) if lease is not None else None
        options = ServerOptions(
            run=lease.run if lease is not None else self._run,
            startup_s=config.startup_timeout,
            on_disk=placed.on_disk,
            sizes=placed.sizes,
            replication={name: server.replication for name, server in config.servers.items()},
            persistent=lease is not None,
            is_replaceable=lease is None or lease.is_replaceable,
            password=password or self._password,
            seeds=seeds or {},
            has_lag=lease is None and config.needs_lag_proxy,
        )
        record.hide(options.password)
        return Servers(platform, plan, options, None if cache else record.add, on_loss, replaced)

    def conversation(self, image: str | None, *, needs_servers: bool = True) -> Conversation:
        """The conversation with the runner, not yet started: a context manager."""
        config = self.config
        if self._engine is None or config.runner == "host":
            environment = {**os.environ, **variables_of_tests(config, sys.warnoptions)}
            return Conversation(ChildRunner(config.root, environment, on_stderr=self._show_stderr))
        assert image is not None
        runner = self._engine.runner(image, self._archive.result(), self._show_stderr, needs_servers=needs_servers)
        return Conversation(runner)

    def liveness(self, conversation: Conversation, on_end: Callable[[HarnessError], None]) -> Liveness:
        """The watch over the runner's progress, not yet started: a context manager."""
        config = self.config
        limits = {
            "setup_timeout": config.setup_timeout,
            "template_timeout": config.template_timeout,
            "timeout": max(config.timeout, *config.timeouts.values(), 0),
        }
        if config.run_timeout is not None:
            limits["run_timeout"] = config.run_timeout
        folder = str(config.root) if config.runner == "host" else FOLDER
        return Liveness(conversation.runner, on_end, limits, folder)

    def plans(self, spec: RunSpec) -> dict[str, ServerPlan]:
        """The plan of the project's topology on each backend; starts a runner that reports the topology and ends."""
        events = self.answer(spec)
        found = next(event for event in events if isinstance(event, TopologyFound))
        framework = next((event for event in events if isinstance(event, FrameworkChosen)), None)
        notices = [event for event in events if isinstance(event, Notice)]
        notices += filter(None, [self._ground.python_notice(is_plan=True)])
        backends = backends_of(self.config.db, self.config.django)
        plans = {backend.name: self.plan(found.topology, backend.db) for backend in backends}
        return {
            name: replace(plan, notices=(*notices, *plan.notices), framework=framework) for name, plan in plans.items()
        }

    def answer(self, spec: RunSpec) -> list[Event]:
        """The events of a runner that reports the topology and ends; a ``TopologyFound`` is among them."""
        image = self._ground.runner_image_alone()
        problems: list[HarnessError] = []
        with self.conversation(image, needs_servers=False) as conversation:

            def end(problem: HarnessError) -> None:
                problems.append(problem)
                conversation.runner.kill()

            conversation.send(Begin(spec))
            with self.liveness(conversation, end) as liveness:
                lines = list(liveness.watched(conversation.lines()))
            if problems:
                raise problems[0]
            events = [codec.decode(line).event for line in lines]
            stderr = conversation.runner.stderr.text()
        for event in events:
            if isinstance(event, RunAborted):
                raise HarnessError.from_exit_code(event.exit_code, event.message, event.hint, event.evidence)
        if not any(isinstance(event, TopologyFound) for event in events):
            raise HarnessError("The runner ended before it reported the topology.", evidence=stderr)
        return events

    @cached_property
    def _archive(self) -> Future[IO[bytes]]:
        """A tar of the runner's code and the project's files, made in the background from the first use on.

        It is one, since each that the engine unpacks starts a process of it.
        """
        return submit(self._ahead, self._make_archive)

    def _make_archive(self) -> IO[bytes]:
        config = self.config
        archive = self._cleanup.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as the run
        from harness.host.launch.container import FOLDER as CODE
        from harness.host.launch.container import code_tar, distribution_tar

        files = project_files(config.root, [config.artifacts_root], config.include, config.project)
        archive.write(code_tar(CODE))
        archive.write(distribution_tar(config.project, config.root))
        project_tar(config.root, files, archive, FOLDER.lstrip("/"), has_place=False)
        return archive

    def _show_stderr(self, data: bytes) -> None:
        """Show the runner's error stream as it comes, with a verbosity of 2 or more."""
        if self._record is not None and self.config.verbosity >= 2:
            self._record.show(data.decode(errors="replace"))
