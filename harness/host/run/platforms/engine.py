"""The resources of a run that a Docker engine gives: its images, a network, containers for servers and runner."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from functools import cached_property
from typing import IO, TYPE_CHECKING

from harness.host.config.options import Config
from harness.host.docker import containers, watchdog
from harness.host.docker.build_log import OnProgress
from harness.host.docker.client import Client, connect, memory_bytes
from harness.host.docker.runner import RunnerSpec
from harness.host.images.build_environment import BuildEnvironment
from harness.host.images.builder import ImageBuilder
from harness.host.images.provision import RUNNER, ConfiguredImages
from harness.host.interrupts import submit
from harness.host.launch.container import COMMAND, ContainerRunner
from harness.host.planning.plan import PlannedServer, ServerPlan
from harness.host.platform import PersistentServer
from harness.host.project import git_version
from harness.host.project.files import FOLDER, RUNNER_UID
from harness.host.run import persistent_servers
from harness.host.run.environment import variables_of_tests
from harness.protocol.events import Notice

if TYPE_CHECKING:
    from harness.host.lag.control import LagProxy
    from harness.host.platform import Platform

Images = Mapping[tuple[str, str], str]
"""The image of each engine and version."""


class EngineKeeper:
    """The servers on an engine that outlive a command."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def persistent(self, run: str) -> Mapping[str, PersistentServer]:
        return containers.persistent_servers(self._client, run)

    def remove(self, run: str) -> None:
        containers.remove_run(self._client, run)


class EngineResources(EngineKeeper):
    """The resources of one run on an engine. *settings* are those of builds; *ahead* makes things before they are needed,
    *cleanup* removes them.
    """

    def __init__(
        self,
        config: Config,
        run: str,
        on_progress: OnProgress,
        settings: Callable[[], BuildEnvironment],
        ahead: Executor,
        cleanup: contextlib.ExitStack,
    ) -> None:
        self._config = config
        self._run = run
        self._ahead = ahead
        self._cleanup = cleanup
        self.lease: persistent_servers.Lease | None = None
        super().__init__(connect())
        self._memory = submit(ahead, memory_bytes, self._client)
        self._builder = cleanup.enter_context(ImageBuilder(self._client, on_progress, settings))
        self._images = ConfiguredImages(self._builder, config)
        self._watchdog: watchdog.Watchdog | None = None
        self._starting_proxy = threading.Lock()
        self._proxy: LagProxy | None = None

    def runner_image(self) -> str | None:
        """The image of the runner; makes those of the servers in ``db`` at the same time.

        ``None`` where the runner is a child of this process.
        """
        if self._config.runner == "container":
            _ = self._network  # made meanwhile
        return self._images.all(self._config.db).get(RUNNER)

    def runner_image_alone(self) -> str | None:
        """The image of the runner, for a run without servers."""
        return self._images.runner(self._config.run_django) if self._config.runner == "container" else None

    def python_notice(self, *, is_plan: bool) -> Notice | None:
        """The notice on the runner's Python where its source is an unusual one; after ``runner_image``."""
        return self._images.python_notice(is_plan=is_plan)

    def versions(self) -> Mapping[str, str]:
        """None: an engine has images of every version."""
        return {}

    def prepare(self, plan: ServerPlan) -> Images:
        """The image of each engine and version in *plan*, made if missing."""
        return self._images.servers({(server.engine.name, server.version) for server in plan.servers})

    def memory_bytes(self) -> int:
        """The memory of the engine's machine in bytes; 0 where the engine does not report it."""
        return self._memory.result()

    def programs(self, server: PlannedServer) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """None: the clients are those of this machine."""
        return (), {}

    def source(self, engine: str, version: str) -> str:
        """The image of an engine's version."""
        return self._images.servers({(engine, version)})[engine, version]

    def give_away(self) -> int:
        """Leave the run's containers and network to another process, which gets this descriptor of the watchdog."""
        assert self._watchdog is not None
        return self._watchdog.give_away()

    def platform(self, plan: ServerPlan, images: Images, cache: str) -> Platform:
        """The platform of the servers of *plan*, on *images*; *cache* names the cache that migrated seeds are from."""
        # testcontainers is slow to import, and the runner's start must not wait for it
        from harness.host.docker.server import ContainerOptions, DockerPlatform

        network = self._network.result() if plan.servers else ""
        publish = self._config.runner == "host" or (self.lease is not None and self.lease.opens_ports)
        options = ContainerOptions(network, images, publish, cache, self._lag_proxy)
        return DockerPlatform(self._client, options)

    def _lag_proxy(self) -> LagProxy:
        """The proxy of the run's replicas, started by the first call. Any thread may call this."""
        from harness.host.docker.lag.container import start_container

        with self._starting_proxy:
            if self._proxy is None:
                image = self._images.runner_alone()
                self._proxy = start_container(self._client, self._run, image, self._network.result())
                self._cleanup.callback(self._proxy.close)
            return self._proxy

    def runner(
        self, image: str, archive: IO[bytes], on_stderr: Callable[[bytes], None], *, needs_servers: bool
    ) -> ContainerRunner:
        """The runner in a container of *image* with the project in *archive*, not yet started."""
        config = self._config
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
        return ContainerRunner(self._client, spec, archive, on_stderr)

    @cached_property
    def _network(self) -> Future[str]:
        """The run's network, made in the background from the first use on."""
        return submit(self._ahead, self._make_network)

    def _make_network(self) -> str:
        self._watchdog = given = self._cleanup.enter_context(watchdog.watched(self._run))
        is_isolated = self._config.network == "isolated"
        if self.lease is not None:
            return containers.persistent_network(self._client, self.lease.run, is_isolated=is_isolated)
        persistent_servers.end(persistent_servers.run_id(self._config), self.remove)
        return self._cleanup.enter_context(
            containers.network(self._client, self._run, is_isolated=is_isolated, is_kept=lambda: given.is_given_away)
        )
