"""Runs a suite by plain serial Django and by the harness."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.host.config.databases import DbSpec
from harness.host.docker import containers
from harness.host.docker.client import connect
from harness.host.docker.server import ContainerOptions, DockerPlatform
from harness.host.engines.postgres import POSTGRES
from harness.host.images.builder import ImageBuilder
from harness.host.planning.plan import make_plan
from harness.host.run.servers import ServerOptions, Servers
from harness.protocol.topology import Alias, Topology
from harness.protocol.topology import TestOptions as Options
from tests.e2e import command
from tests.random_suites.compare import Seen, differences, expected, seen
from tests.random_suites.generate import Suite, generate

PROJECT = command.PROJECTS / "random"
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server for plain Django."""

    host: str
    port: int
    password: str


def compare(seed: int, engine: str, folder: Path, server: Server | None = None) -> list[str]:
    """The differences between plain Django and the harness on the suite of *seed*, which is written into *folder*."""
    suite = generate(seed, engine)
    write(suite, folder)
    return differences(by_django(suite, folder, server), by_harness(suite, folder))


def write(suite: Suite, folder: Path) -> None:
    """Write the project of *suite* into *folder*."""
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    for name, text in suite.files.items():
        (folder / "cases" / name).write_text(text)


def by_django(suite: Suite, folder: Path, server: Server | None, python: str = sys.executable) -> Seen:
    """The results that the harness must give, from a run of plain Django."""
    record = folder.parent / f"{folder.name}.json"
    env = {"RANDOM_ENGINE": suite.engine, "RANDOM_RECORD": str(record), "RANDOM_NAME": f"random_{secrets.token_hex(4)}"}
    if server is not None:
        env |= {"RANDOM_HOST": server.host, "RANDOM_PORT": str(server.port), "RANDOM_PASSWORD": server.password}
    options = ("--noinput", "--testrunner", "plain_runner.RecordingRunner", *suite.shared)
    process = subprocess.run(
        [python, "-B", "manage.py", "test", *options, *suite.labels],
        cwd=folder,
        env=command.environment(**env),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
    )
    if not record.exists():
        raise AssertionError(f"plain Django did not come to an end: {process.stdout[-3000:]}{process.stderr[-3000:]}")
    return expected(json.loads(record.read_text()))


def by_harness(suite: Suite, folder: Path) -> Seen:
    """The results of a run of the harness."""
    options = ("--runner", "host", "--db", suite.engine, "--project", str(folder), "--timeout", "60")
    ended = command.harness(
        *options,
        *suite.own,
        *suite.shared,
        *suite.labels,
        artifacts=folder.parent / f"{folder.name}.harness",
        env=command.environment(RANDOM_ENGINE=suite.engine, PYTHONDONTWRITEBYTECODE="1"),
        timeout=PATIENCE_S,
    )
    said = seen(ended.report)
    if said.exit_code != ended.code:
        raise AssertionError(
            f"exit code {ended.code}, where the journal comes to {said.exit_code}: {ended.output[-3000:]}"
        )
    return said


@contextlib.contextmanager
def postgres() -> Iterator[Server]:
    """A server for plain Django; removed after the block."""
    run = secrets.token_hex(4)
    alias = Alias("default", POSTGRES.backend, "postgresql", "library", "db", "", "library", "test_library", Options())
    plan = make_plan(Topology((alias,)), [DbSpec(POSTGRES.name)])
    with contextlib.closing(connect()) as client, containers.network(client, run) as network:
        with ImageBuilder(client, lambda title, line: None) as builder:
            image = builder.server_image(POSTGRES, POSTGRES.default_version)
        images = {(server.engine.name, server.version): image for server in plan.servers}
        with Servers(
            DockerPlatform(client, ContainerOptions(network, images, publish=True)), plan, ServerOptions(run)
        ) as stack:
            (endpoint,) = stack.endpoints()
            yield Server(endpoint.host, endpoint.port, endpoint.password)
