"""The resources of a run: the engine, the images, a network, and the place of the runner.

Owns which of them a configuration needs. ``host.run.session`` uses them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import IO, TYPE_CHECKING

from harness.errors import HarnessError, ServerError
from harness.host.config.options import Config
from harness.host.docker import containers, watchdog
from harness.host.docker.build_log import OnProgress
from harness.host.docker.client import Client, connect, memory_bytes
from harness.host.docker.runner import RunnerSpec
from harness.host.images import build_environment
from harness.host.images.builder import ImageBuilder
from harness.host.images.provision import RUNNER, ConfiguredImages
from harness.host.interrupts import submit, uninterrupted
from harness.host.launch import distribution
from harness.host.launch.child_process import ChildRunner
from harness.host.launch.container import COMMAND, ContainerRunner
from harness.host.launch.conversation import Conversation
from harness.host.launch.liveness import Liveness
from harness.host.planning import placement
from harness.host.planning.backends import backends_of
from harness.host.planning.plan import ServerPlan, make_plan
from harness.host.project import git_version
from harness.host.project.files import FOLDER, RUNNER_UID, project_files, project_tar
from harness.host.run import persistent_servers
from harness.host.run.environment import variables_of_tests
from harness.host.run.record import Record
from harness.protocol import codec
from harness.protocol.events import FrameworkChosen, Notice, RunAborted, TopologyFound
from harness.protocol.messages import Begin, RunSpec

if TYPE_CHECKING:
    from harness.host.run.servers import Servers


class Resources:
    """The resources of a run: the engine, the images, a network, and the place of the runner. A context manager."""

    def __init__(self, config: Config, on_progress: OnProgress, record: Record | None = None) -> None:
        self.config = config
        self._on_progress = on_progress
        self._record = record
        self._run = secrets.token_hex(4)
        self._persistent_run = persistent_servers.run_id(config)
        self._cleanup = contextlib.ExitStack()
        self._client: Client
        self._builder: ImageBuilder
        self._images: ConfiguredImages
        self._ahead = ThreadPoolExecutor(3, thread_name_prefix="ahead")
        self._memory: Future[int]

    def __enter__(self) -> Resources:
        config = self.config
        try:
            self._client = connect()
            self._memory = submit(self._ahead, memory_bytes, self._client)
            self._builder = self._cleanup.enter_context(
                ImageBuilder(self._client, self._on_progress, lambda: build_environment.read(config, os.environ))
            )
            self._images = ConfiguredImages(self._builder, config)
            if config.runner == "container":  # asking pip takes longer than finding the images
                submit(self._ahead, lambda: self._builder.environment)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        with uninterrupted():
            self._ahead.shutdown()  # resources that are still being made exist after this, and are removed with the rest
            self._cleanup.close()

    def runner_image(self) -> str | None:
        """The image of the runner; makes those of the servers in ``db`` at the same time.

        ``None`` where the runner is a child of this process.
        """
        if self.config.runner == "container":
            _ = self._archive, self._network  # the container's other parts are made meanwhile
        return self._images.all(self.config.db).get(RUNNER)

    def python_notice(self) -> Notice | None:
        """The notice on the runner's Python where its source is an unusual one; after ``runner_image``."""
        return self._images.python_notice(is_plan=False)

    def server_images(self, plan: ServerPlan) -> dict[tuple[str, str], str]:
        """The image of each engine and version in *plan*."""
        return self._images.servers({(server.engine.name, server.version) for server in plan.servers})

    def servers(
        self,
        plan: ServerPlan,
        images: dict[tuple[str, str], str],
        record: Record,
        on_loss: Callable[[str, ServerError], None],
    ) -> Servers:
        """The servers of *plan*, not yet up. *on_loss* is called when a server that is up goes away."""
        # testcontainers is slow to import, and the runner's start must not wait for it
        from harness.host.docker.server import ContainerOptions, DockerPlatform
        from harness.host.run.servers import ServerOptions, Servers

        config = self.config
        placed = placement.place(plan.servers, config.servers, self._memory.result())
        for notice in placed.notices:
            record.add(notice)
        password = persistent_servers.password(self._client, self._persistent_run) if config.keepdb else None
        options = ServerOptions(
            run=self._persistent_run if config.keepdb else self._run,
            startup_s=config.startup_timeout,
            on_disk=placed.on_disk,
            sizes=placed.sizes,
            replication={name: server.replication for name, server in config.servers.items()},
            persistent=config.keepdb,
            password=password or secrets.token_urlsafe(24),
        )
        record.hide(options.password)
        containers_of = ContainerOptions(
            network=self._network.result() if plan.servers else "", images=images, publish=config.runner == "host"
        )
        return Servers(DockerPlatform(self._client, containers_of), plan, options, record.add, on_loss)

    def conversation(self, image: str | None, *, needs_servers: bool = True) -> Conversation:
        """The conversation with the runner, not yet started: a context manager."""
        config = self.config
        if config.runner == "host":
            environment = {**os.environ, **variables_of_tests(config, sys.warnoptions)}
            return Conversation(ChildRunner(config.root, environment, on_stderr=self._show_stderr))
        assert image is not None
        spec = RunnerSpec(
            run=self._run,
            image=image,
            command=COMMAND,
            folder=FOLDER,
            user=f"{RUNNER_UID}:{RUNNER_UID}",
            network=self._network.result() if needs_servers else None,
            environment={
                **git_version.variables_of_tests(config.project),
                **variables_of_tests(config, sys.warnoptions),
            },
        )
        archive = self._archive.result()
        own = distribution.files_of(config.project, config.root)
        return Conversation(ContainerRunner(self._client, spec, archive, self._show_stderr, own))

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
        image = self._images.runner(self.config.run_django) if self.config.runner == "container" else None
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
        found = next((event for event in events if isinstance(event, TopologyFound)), None)
        if found is None:
            raise HarnessError("The runner ended before it reported the topology.", evidence=stderr)
        framework = next((event for event in events if isinstance(event, FrameworkChosen)), None)
        notices = [event for event in events if isinstance(event, Notice)]
        notices += filter(None, [self._images.python_notice(is_plan=True)])
        backends = backends_of(self.config.db, self.config.django)
        plans = {backend.name: make_plan(found.topology, backend.db) for backend in backends}
        return {
            name: replace(plan, notices=(*notices, *plan.notices), framework=framework) for name, plan in plans.items()
        }

    @cached_property
    def _archive(self) -> Future[IO[bytes]]:
        """A tar of the project's files, made in the background from the first use on."""
        return submit(self._ahead, self._make_archive)

    @cached_property
    def _network(self) -> Future[str]:
        """The run's network, made in the background from the first use on."""
        return submit(self._ahead, self._make_network)

    def _make_archive(self) -> IO[bytes]:
        config = self.config
        archive = self._cleanup.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as the run
        files = project_files(config.root, [config.artifacts_root], config.include, config.project)
        project_tar(config.root, files, archive)
        archive.seek(0)
        return archive

    def _make_network(self) -> str:
        self._cleanup.enter_context(watchdog.watched(self._run))
        is_isolated = self.config.network == "isolated"
        if self.config.keepdb:
            self._cleanup.enter_context(persistent_servers.held(self._persistent_run))
            return containers.persistent_network(self._client, self._persistent_run, is_isolated=is_isolated)
        persistent_servers.end(self._client, self._persistent_run)
        return self._cleanup.enter_context(containers.network(self._client, self._run, is_isolated=is_isolated))

    def _show_stderr(self, data: bytes) -> None:
        """Show the runner's error stream as it comes, with a verbosity of 2 or more."""
        if self._record is not None and self.config.verbosity >= 2:
            self._record.show(data.decode(errors="replace"))
