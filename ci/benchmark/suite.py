"""Figures ``suite``, ``suite-local``, ``package`` and ``package-services``: the storefront by ``harness ci``, servers included,
against other ways to run it.

Both sides run the same tests with as many workers, without those tagged ``topology``: these need a real replica and
cannot pass elsewhere, since the other sides' alias ``replica`` leads to the primary itself. Ours is a second run: its servers
start with the migrated databases of an earlier one.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ci.benchmark import pair_local
from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import (
    DJANGO,
    PSYCOPG,
    STARTUP_S,
    STOREFRONT,
    WORKERS,
    Ground,
    environment,
    harness_command,
)
from ci.benchmark.race import DEADLINE_S, Side, Sides, failed, timed
from ci.benchmark.services import PASSWORD, PRIMARY, USER, ServicePair
from harness.errors import HarnessError
from harness.host.config.load import load
from harness.host.docker import streams
from harness.host.docker.runner import RunnerContainer, RunnerSpec
from harness.host.engines.postgres import POSTGRES
from harness.host.local.platform import LocalPlatform
from harness.host.planning.plan import make_plan
from harness.host.project.files import FOLDER, RUNNER_UID, project_files, project_tar
from harness.host.run.resources import Resources
from harness.host.run.servers import ServerOptions, Servers
from harness.protocol.messages import Endpoint
from harness.protocol.topology import Alias, TestOptions, Topology

PACKAGE_NAME = "django-testcontainers-plus"
SUITE = Comparison(
    "suite",
    "the storefront by harness ci, images warm, a second run, from its start to its end",
    f"manage.py test --parallel {WORKERS} in the same image, its container made and to be started, on servers that are up",
    aim=Aim(ratio=1.0),
)
SUITE_LOCAL = Comparison(
    "suite-local",
    "the storefront by harness ci --servers local, a second run, from its start to its end",
    f"manage.py test --parallel {WORKERS} on local servers that are up",
    aim=Aim(ratio=0.9),
)
PACKAGE = Comparison(
    "package",
    "the storefront by harness ci, images warm, a second run, from its start to its end",
    f"manage.py test --parallel {WORKERS} with {PACKAGE_NAME}, one server, an image of the official layout",
    aim=Aim(ratio=0.5),
)
SERVICES = Comparison(
    "package-services",
    "the storefront by harness ci, images warm, a second run, from its start to its end",
    f"a primary and its replica as service containers that a workflow can write, of the official layout, then"
    f" manage.py test --parallel {WORKERS}",
    aim=Aim(ratio=0.5),
)
SELECTION = ("--exclude-tag", "topology")
DJANGO_COMMAND = ("python", "manage.py", "test", "--noinput", f"--parallel={WORKERS}", *SELECTION)

# The shell's clock is read right before and after the command: the details show its time without its container's start.
_CLOCKED = ("sh", "-c", 'date +%s%N; "$@"; status=$?; date +%s%N; exit $status', "sh")

_HOSTS = ("STOREFRONT_DB_HOST", "STOREFRONT_REPLICA_HOST", "STOREFRONT_CATALOG_DB_HOST")
_LOGIN = {"STOREFRONT_DB_USER": USER, "STOREFRONT_DB_PASSWORD": PASSWORD}

_PACKAGE_SETTINGS = """\
from config.settings import *

TEST_RUNNER = "bench_runner.Runner"
# the tests' mails stay in Django's outbox: without a mail server, which the package would start too
TESTCONTAINERS = {{"postgres": {{"image": {image!r}}}, "mailhog": {{"enabled": False}}}}
# the package gives every alias one NAME, and without this both would be one test database
DATABASES["catalog"]["TEST"] = {{**DATABASES["catalog"]["TEST"], "NAME": "test_catalog"}}
"""
_PACKAGE_RUNNER = """\
from django_testcontainers_plus.runner import TestcontainersRunner

from config.runner import StorefrontRunner


class Runner(StorefrontRunner, TestcontainersRunner):
    pass
"""


@contextlib.contextmanager
def suite(ground: Ground) -> Iterator[Sides]:
    """Both sides. The other side's servers are up before and after, and its container is made and has the project in it."""
    artifacts = ground.work / "storefront"
    with ground.network() as network, ground.stack(_primaries(), network) as stack:
        container = _container(ground, network, _variables(stack.endpoints()))
        alone: list[float] = []

        def theirs() -> float:
            seconds, command_s = _started(container)
            alone.append(command_s)
            return seconds

        yield Sides(
            again_on("postgres", artifacts),
            theirs,
            lambda: {**phases(artifacts / "summary.json"), "theirs without the container's start": alone[-1]},
        )


@contextlib.contextmanager
def suite_local(ground: Ground) -> Iterator[Sides]:
    """Both sides, on this machine. The other side's servers are up before and after."""
    artifacts = ground.work / "storefront-local"
    command = [sys.executable, *DJANGO_COMMAND[1:]]
    plan, platform = _primaries(), LocalPlatform(pair_local.ours)
    for server in plan.servers:
        platform.programs(server.engine.name, server.version)
    servers = Servers(platform, plan, ServerOptions(secrets.token_hex(4), startup_s=STARTUP_S))
    with contextlib.closing(servers):
        servers.start()
        variables = environment(**_variables(servers.endpoints()))
        yield Sides(
            again_on("postgres", artifacts, "--servers=local", "--runner=host"),
            lambda: timed(command, STOREFRONT, variables)[0],
            lambda: phases(artifacts / "summary.json"),
        )


@contextlib.contextmanager
def package(ground: Ground) -> Iterator[Sides]:
    """Both sides. The other side runs in its own copy of the project, in which it may leave compiled files."""
    artifacts = ground.work / "storefront"
    python = ground.venv("package", [PACKAGE_NAME, DJANGO, PSYCOPG])
    folder = ground.work / "package-storefront"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(STOREFRONT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "bench_settings.py").write_text(_PACKAGE_SETTINGS.format(image=ground.image_on_seeded("official_layout")))
    (folder / "bench_runner.py").write_text(_PACKAGE_RUNNER)
    command = [str(python), *DJANGO_COMMAND[1:], "--settings=bench_settings"]
    # the image of its watchdog may be unavailable, and would only cost it time
    variables = environment(TESTCONTAINERS_RYUK_DISABLED="true")

    def theirs() -> float:
        return timed(command, folder, variables)[0]

    yield Sides(again_on("postgres", artifacts), theirs, lambda: phases(artifacts / "summary.json"))


@contextlib.contextmanager
def services(ground: Ground) -> Iterator[Sides]:
    """Both sides. The other side's network and job container are made before; its servers begin with nothing, as a job's do.

    Its tests read the primary: they are not green on a replica that nobody waits for.
    """
    artifacts, image = ground.work / "storefront", ground.image_on_seeded("official_layout")
    with ground.network() as network:
        container = _container(ground, network, {**_LOGIN, **dict.fromkeys(_HOSTS, PRIMARY)})
        pair = ServicePair(ground.client, network, image)

        def theirs() -> float:
            try:
                return pair.start() + _started(container)[0]
            finally:
                pair.remove()

        yield Sides(again_on("postgres", artifacts), theirs, lambda: phases(artifacts / "summary.json"))


def harness_on(db: str, artifacts: Path, *options: str) -> Side:
    """The storefront by ``harness ci`` on *db*, from its start to its end, without the tests that need a topology."""
    where = (f"--db={db}", f"--project={STOREFRONT}", f"--parallel={WORKERS}", f"--artifacts={artifacts}")
    command = harness_command(*where, *options, *SELECTION)
    return lambda: timed(command, STOREFRONT, environment(HARNESS_CACHE=str(artifacts.parent / "cache")))[0]


def again_on(db: str, artifacts: Path, *options: str) -> Side:
    """The same, once a run has left its databases to the next one."""
    again = harness_on(db, artifacts, *options)
    again()
    wait = [harness_command()[0], "cache", "--wait"]
    timed(wait, STOREFRONT, environment(HARNESS_CACHE=str(artifacts.parent / "cache")))
    return again


def phases(summary: Path) -> Mapping[str, float]:
    """The seconds of each phase, from a run's summary."""
    said: dict[str, float] = json.loads(summary.read_bytes())["phases"]
    return said


def _primaries() -> Any:
    """The plan of the storefront's two servers."""
    aliases = [
        Alias(name, POSTGRES.backend, POSTGRES.vendor, name, name, "", USER, f"test_{name}", TestOptions())
        for name in ("default", "catalog")
    ]
    return make_plan(Topology(tuple(aliases)))


def _variables(endpoints: Sequence[Endpoint]) -> dict[str, str]:
    """The storefront's settings for its two servers."""
    found = {endpoint.server: endpoint for endpoint in endpoints}
    hosts = dict.fromkeys(_HOSTS, found["default"].host) | {"STOREFRONT_CATALOG_DB_HOST": found["catalog"].host}
    ports = {f"{name.removesuffix('HOST')}PORT": str(found["default"].port) for name in hosts}
    return {**_LOGIN, **hosts, **ports, "STOREFRONT_DB_PASSWORD": found["default"].password}


def _container(ground: Ground, network: str, variables: Mapping[str, str]) -> RunnerContainer:
    """A container of the project's image with the project in it, which runs the tests; it is removed with its network."""
    config = load({"project": str(STOREFRONT), "db": ["postgres"]}, {}, STOREFRONT)
    with Resources(config, lambda title, line: ground.tell(f"{title}: {line}")) as resources:
        image = resources.runner_image()
    assert image is not None
    run = network.rpartition("-")[2]
    user = f"{RUNNER_UID}:{RUNNER_UID}"
    spec = RunnerSpec(run, image, (*_CLOCKED, *DJANGO_COMMAND), FOLDER, user, network, variables)
    container = RunnerContainer(ground.client, spec)
    container.create()
    with tempfile.TemporaryFile() as archive:
        project_tar(STOREFRONT, project_files(STOREFRONT), archive)
        archive.seek(0)
        container.put(FOLDER, archive)
    return container


def _started(container: RunnerContainer) -> tuple[float, float]:
    """The seconds from the container's start to its end, and those of Django's own command in it."""
    with contextlib.closing(container.attach_output()) as stream:
        begin = time.perf_counter()
        container.start()
        output = b"".join(data for _, data in streams.frames(stream)).decode(errors="replace")
        seconds = time.perf_counter() - begin
    status, _ = container.wait(DEADLINE_S)
    if status != 0:
        raise failed(DJANGO_COMMAND, status, output)
    clocks = re.match(r"(\d+)\n.*\n(\d+)\s*\Z", output, re.DOTALL)
    if clocks is None:
        raise HarnessError("The other side's container said no time.", evidence=output[-2000:])
    return seconds, (int(clocks[2]) - int(clocks[1])) / 1e9
