"""The resources of a run whose servers are processes of this machine. Imports nothing that speaks to Docker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, as_completed
from types import MappingProxyType

from harness.host.config.options import Config
from harness.host.config.servers import ServerConfig
from harness.host.engines import ENGINES
from harness.host.images import build_environment, recipe
from harness.host.interrupts import submit
from harness.host.local import folders
from harness.host.local.account import account
from harness.host.local.platform import LocalPlatform
from harness.host.planning.plan import PlannedServer, ServerPlan
from harness.host.platform import PersistentServer
from harness.host.run import persistent_servers
from harness.protocol.events import Notice

NO_IMAGES: Mapping[tuple[str, str], str] = MappingProxyType({})


class LocalResources:
    """The resources of one run on this machine. *ahead* makes things before they are needed."""

    def __init__(
        self,
        config: Config,
        on_progress: Callable[[str, str], None],
        ahead: Executor,
        on_notice: Callable[[Notice], None],
    ) -> None:
        self._config = config
        self.lease: persistent_servers.Lease | None = None
        self._ahead = ahead
        self._on_notice = on_notice
        environ = build_environment.for_this_machine(config)
        self._platform = LocalPlatform(lambda name: recipe.load(name).files, on_progress, environ)
        self._memory = folders.memory_bytes()  # before servers take some of it: they may be planned again
        submit(ahead, folders.remove_abandoned, account())

    def runner_image(self) -> None:
        """None: the tests run as a child of this process."""

    def runner_image_alone(self) -> None:
        """None, likewise."""

    def python_notice(self, *, is_plan: bool) -> None:
        """None: the tests run on the Python of this process."""

    def versions(self) -> Mapping[str, str]:
        """The version of each engine here, where the user names none. Looking one up may raise ``ServerError``."""
        return _Versions(self._platform)

    def prepare(self, plan: ServerPlan) -> Mapping[tuple[str, str], str]:
        """Find the programs and the seeds of the servers in *plan*, or make them, side by side. Raises ``ServerError``."""
        wanted = {(server.engine.name, server.version) for server in plan.servers}
        for done in as_completed([submit(self._ahead, self._platform.programs, *each) for each in wanted]):
            done.result()
        for engine in sorted({engine for engine, _ in wanted}):
            for notice in left_out(engine, self._config.servers.get(engine, ServerConfig())):
                self._on_notice(notice)
        for text in self._platform.notices():
            self._on_notice(Notice("server-version", text))
        return NO_IMAGES

    def memory_bytes(self) -> int:
        """The memory that the servers may take, in bytes; 0 without a file system in memory: their folders are on disk then."""
        return self._memory

    def source(self, engine: str, version: str) -> str:
        """The programs and the recipe by their content, and the system's C library, which sorts text in indexes."""
        return f"{self._platform.programs(engine, version).identity} {c_library()}"

    def give_away(self) -> int:
        """-1: the leases of local servers are all that another process needs."""
        return -1

    def platform(self, plan: ServerPlan, images: Mapping[tuple[str, str], str], cache: str) -> LocalPlatform:
        """The platform of the servers of *plan*."""
        if self.lease is None:
            persistent_servers.end(persistent_servers.run_id(self._config), self.remove)
        return self._platform

    def programs(self, server: PlannedServer) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """The folders of the programs of *server*, its client among them, and the variables that they need."""
        found = self._platform.binaries(server.engine.name, server.version)
        return tuple(map(str, found.folders)), found.environment

    def persistent(self, run: str) -> Mapping[str, PersistentServer]:
        return self._platform.persistent(run)

    def remove(self, run: str) -> None:
        self._platform.remove(run)


def c_library() -> str:
    """The name and the version of the system's C library; of the system, where the library has none."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").replace(" ", "-")
    except (ValueError, OSError):
        return f"{os.uname().sysname}-{os.uname().release}"


class _Versions(Mapping[str, str]):
    """The version of each engine that a platform has where none is named; finds one as it is asked for."""

    def __init__(self, platform: LocalPlatform) -> None:
        self._platform = platform

    def __getitem__(self, engine: str) -> str:
        if engine not in ENGINES:
            raise KeyError(engine)
        return self._platform.binaries(engine, None).wanted

    def __iter__(self) -> Iterator[str]:
        return iter(ENGINES)

    def __len__(self) -> int:
        return len(ENGINES)


def left_out(engine: str, server: ServerConfig) -> Iterator[Notice]:
    """A notice for the keys of an engine's table that a local server does not follow."""
    given = {"image": server.image, "apt": server.apt}
    if keys := [key for key, value in given.items() if value]:
        text = (
            f"[tool.harness.servers.{engine}] {', '.join(keys)}: not for local servers, which run the programs of this machine."
            " --servers docker follows it."
        )
        yield Notice("servers-local", text)
