"""Figures ``suite`` and ``package``: the storefront by ``harness ci``, servers included, against other ways to run it.

Both sides run the same tests with as many workers, without those tagged ``topology``: these need a real replica and
cannot pass elsewhere, since the other sides' alias ``replica`` leads to the primary itself.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import DJANGO, PSYCOPG, STOREFRONT, WORKERS, Ground, environment, harness_command
from ci.benchmark.race import DEADLINE_S, Side, Sides, failed, timed
from harness.errors import HarnessError
from harness.host.config.load import load
from harness.host.docker import streams
from harness.host.docker.runner import RunnerContainer, RunnerSpec
from harness.host.engines.postgres import POSTGRES
from harness.host.planning.plan import make_plan
from harness.host.project.files import FOLDER, RUNNER_UID, project_files, project_tar
from harness.host.run.resources import Resources
from harness.protocol.topology import Alias, TestOptions, Topology

PACKAGE_NAME = "django-testcontainers-plus"
SUITE = Comparison(
    "suite",
    "the storefront by harness ci, images warm, from its start to its end",
    f"manage.py test --parallel {WORKERS} in the same image, its container made and to be started, on servers that are up",
    aim=Aim(more=2.0),
)
PACKAGE = Comparison(
    "package",
    "the storefront by harness ci, images warm, from its start to its end",
    f"manage.py test --parallel {WORKERS} with {PACKAGE_NAME}, one server, an image of the official layout",
    aim=Aim(ratio=0.6),
)
SELECTION = ("--exclude-tag", "topology")
DJANGO_COMMAND = ("python", "manage.py", "test", "--noinput", f"--parallel={WORKERS}", *SELECTION)

# The shell's clock is read right before and after the command: the details show its time without its container's start.
_CLOCKED = ("sh", "-c", 'date +%s%N; "$@"; status=$?; date +%s%N; exit $status', "sh")

_USER = "shop"

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
        endpoints = {endpoint.server: endpoint for endpoint in stack.endpoints()}
        variables = {
            "STOREFRONT_DB_USER": _USER,
            "STOREFRONT_DB_PASSWORD": endpoints["default"].password,
            "STOREFRONT_DB_HOST": endpoints["default"].host,
            "STOREFRONT_REPLICA_HOST": endpoints["default"].host,
            "STOREFRONT_CATALOG_DB_HOST": endpoints["catalog"].host,
        }
        container = _container(ground, network, variables)
        alone: list[float] = []

        def theirs() -> float:
            seconds, command_s = _started(container)
            alone.append(command_s)
            return seconds

        yield Sides(
            harness_on("postgres", artifacts),
            theirs,
            lambda: {**phases(artifacts / "summary.json"), "theirs without the container's start": alone[-1]},
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

    yield Sides(harness_on("postgres", artifacts), theirs, lambda: phases(artifacts / "summary.json"))


def harness_on(db: str, artifacts: Path) -> Side:
    """The storefront by ``harness ci`` on *db*, from its start to its end, without the tests that need a topology."""
    command = harness_command(
        f"--db={db}", f"--project={STOREFRONT}", f"--parallel={WORKERS}", f"--artifacts={artifacts}", *SELECTION
    )
    return lambda: timed(command, STOREFRONT, environment())[0]


def phases(summary: Path) -> Mapping[str, float]:
    """The seconds of each phase, from a run's summary."""
    said: dict[str, float] = json.loads(summary.read_bytes())["phases"]
    return said


def _primaries() -> Any:
    """The plan of the storefront's two servers."""
    aliases = [
        Alias(name, POSTGRES.backend, POSTGRES.vendor, name, name, "", _USER, f"test_{name}", TestOptions())
        for name in ("default", "catalog")
    ]
    return make_plan(Topology(tuple(aliases)))


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
