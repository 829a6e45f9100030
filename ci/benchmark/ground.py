"""The engine, images, networks, servers, virtual environments and work folder that the figures are measured on.

Whatever stays from one run to the next (virtual environments, images of the other side) is keyed by its content and made
once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import django

from harness.errors import HarnessError
from harness.host.config.databases import DbSpec
from harness.host.docker import containers
from harness.host.docker.client import Client, connect
from harness.host.docker.errors import FAILURES, refused
from harness.host.docker.server import ContainerOptions, DockerPlatform
from harness.host.engines import Engine
from harness.host.engines.postgres import POSTGRES
from harness.host.images.builder import ImageBuilder
from harness.host.planning.plan import ServerPlan, make_plan
from harness.host.run.servers import ServerOptions, Servers
from harness.protocol.topology import Alias, TestOptions, Topology

ROOT = Path(__file__).parents[2]
STOREFRONT = ROOT / "tests" / "projects" / "storefront"
WORKERS = 2
STARTUP_S = 120.0
DJANGO = f"Django=={django.get_version()}"
PSYCOPG = "psycopg[binary]"

Tell = Callable[[str], None]


class Ground:
    """The resources of a measurement. Connects to the engine when the first figure needs it. A context manager."""

    def __init__(self, work: Path, tell: Tell) -> None:
        self.work = work
        self.tell = tell
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Ground:
        self.work.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    @cached_property
    def client(self) -> Client:
        return self._cleanup.enter_context(contextlib.closing(connect()))

    @cached_property
    def seeded(self) -> str:
        """The tag of the seeded PostgreSQL image, made if need be."""
        return self.seeded_image(POSTGRES)

    def seeded_image(self, engine: Engine) -> str:
        """The tag of *engine*'s seeded image, made if need be."""
        with ImageBuilder(self.client, lambda title, line: self.tell(f"{title}: {line}")) as builder:
            return builder.server_image(engine, engine.default_version)

    def image_on_seeded(self, name: str, engine: Engine = POSTGRES) -> str:
        """The tag of the image built from this package's folder *name* on the binaries of *engine*'s seeded image."""
        seeded = self.seeded_image(engine)
        folder = Path(__file__).parent / name
        content = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
        digest = hashlib.sha256(seeded.encode() + content).hexdigest()[:12]
        tag = f"bench-{name.replace('_', '-')}:{digest}"
        client: Any = self.client
        if not client.images.list(tag):
            self.tell(f"building {tag}")
            arguments = {"SEEDED": seeded, "VERSION": engine.default_version}
            try:
                client.images.build(path=str(folder), tag=tag, buildargs=arguments, rm=True)
            except FAILURES as error:
                raise refused(f"The image {tag} could not be built", error) from error
        return tag

    @contextlib.contextmanager
    def network(self) -> Iterator[str]:
        """A network of its own; it and all containers on it are removed at the end."""
        with containers.network(self.client, secrets.token_hex(4)) as name:
            yield name

    def stack(self, plan: ServerPlan, network: str, *, image: str | None = None, publish: bool = False) -> Servers:
        """The servers of *plan*, not yet started, from the seeded image or *image*."""
        tag = image or self.seeded
        images = {(server.engine.name, server.version): tag for server in plan.servers}
        platform = DockerPlatform(self.client, ContainerOptions(network, images, publish))
        return Servers(platform, plan, ServerOptions(secrets.token_hex(4), startup_s=STARTUP_S))

    def venv(self, name: str, requirements: Sequence[str]) -> Path:
        """The Python of a virtual environment with *requirements*, made anew where they have changed."""
        folder = self.work / name
        wanted = "\n".join([sys.version, *requirements])
        stamp = folder / "stamp"
        if not stamp.exists() or stamp.read_text() != wanted:
            self.tell(f"installing {', '.join(requirements)}")
            shutil.rmtree(folder, ignore_errors=True)
            for command in (
                [sys.executable, "-m", "venv", str(folder)],
                [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements],
            ):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise HarnessError(
                        f"The virtual environment for {name} could not be made.",
                        hint="Its packages come from where pip finds packages: does 'pip download' of them work?",
                        evidence=done.stderr.strip(),
                    )
            stamp.write_text(wanted)
        return folder / "bin" / "python"


def pair_plan(*, has_replica: bool, engine: Engine = POSTGRES) -> ServerPlan:
    """The plan of one primary of *engine* and, if *has_replica*, its replica."""
    aliases = [_alias("default", "primary", TestOptions(), engine)]
    if has_replica:
        aliases.append(_alias("replica", "replica", TestOptions(mirror="default"), engine))
    return make_plan(Topology(tuple(aliases)), (DbSpec(engine.name),))


def harness_command(*arguments: str) -> list[str]:
    """The command line of a run: the console script of this interpreter's environment."""
    return [str(Path(sys.executable).parent / "harness"), "ci", *arguments]


def environment(**more: str) -> dict[str, str]:
    """The environment of a measured command: the caller's, without variables that would change how either side behaves."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HARNESS_", "GITHUB_", "DJANGO_", "PYTEST_", "PYTHON"))
    }
    return {**kept, **more}


def machine(repeat: int) -> dict[str, object]:
    """The machine that the figures were measured on, and the number of rounds."""
    return {
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "rounds": repeat,
    }


def _alias(name: str, host: str, test: TestOptions, engine: Engine) -> Alias:
    return Alias(name, engine.backend, engine.vendor, "bench", host, "", "bench", "test_bench", test)
