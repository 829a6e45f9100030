"""Runs a command of plain Django as the harness would run the project: in the project's image, with a server of the same image.

So Python, Django, driver and server are those of the harness's run; a difference between the two has another cause.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.host.config.databases import DbSpec
from harness.host.docker import containers
from harness.host.docker.client import connect
from harness.host.docker.server import ContainerOptions, DockerPlatform
from harness.host.engines import ENGINES
from harness.host.launch.container import distribution_tar
from harness.host.planning.plan import make_plan
from harness.host.project import files
from harness.host.run.servers import ServerOptions, Servers
from harness.protocol.topology import Alias, Topology
from tests.e2e.command import ROOT, environment

TOOLS = "/home/runner"
SETTINGS = """
import os
from {settings} import *

DATABASES = {{
    alias: {{
        "ENGINE": "{backend}",
        "NAME": {name},
        "HOST": os.environ["PLAIN_HOST"],
        "USER": "harness",
        "PASSWORD": os.environ["PLAIN_PASSWORD"],
        "TEST": each.get("TEST", {{}}),
    }}
    for alias, each in DATABASES.items()
}}
"""


def settings(backend: str, module: str) -> str:
    """The text of a settings module: those of *module*, with every alias on the server of *backend*, each a database."""
    engine = ENGINES.get(backend)
    return SETTINGS.format(
        settings=module,
        backend=engine.backend if engine else "django.db.backends.sqlite3",
        name="alias" if engine else '":memory:"',
    )


def images(root: Path, backend: str, timeout: float) -> dict[str, str]:
    """The images for the project in *root* on *backend*: ``project``, and that of the server by its engine and version."""
    process = subprocess.run(
        [sys.executable, "-m", "harness", "images", "build", "--db", backend, "--project", str(root)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=timeout,
    )
    return dict(line.split() for line in process.stdout.splitlines())


def output_of(
    command: Sequence[str],
    root: Path,
    backend: str,
    variables: Mapping[str, str],
    *,
    workdir: str = "",
    timeout: float = 900,
    tools: Sequence[str] = (),
) -> str:
    """The output of *command* with the project of *root*, in *workdir* below it, with the server of *backend*, if it has one.

    The variables ``PLAIN_HOST`` and ``PLAIN_PASSWORD`` belong to that server. *timeout* is in seconds. *tools* are files of this
    repository, which stand below ``TOOLS``.
    """
    named = images(root, backend, timeout)
    engine = ENGINES.get(backend)
    aliases = (Alias("default", engine.backend, engine.vendor, host="plain"),) if engine else ()
    plan = make_plan(Topology(aliases), [DbSpec(backend)])
    servers = {(each.engine.name, each.version): named[f"{each.engine.name}:{each.version}"] for each in plan.servers}
    run = secrets.token_hex(4)
    with (
        contextlib.closing(connect()) as client,
        containers.network(client, run) as network,
        Servers(DockerPlatform(client, ContainerOptions(network, servers)), plan, ServerOptions(run)) as up,
    ):
        endpoint = next(iter(up.endpoints()), None)
        container = client.containers.create(
            named["project"],
            list(command),
            init=True,
            network=network,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            shm_size=containers.SHM_BYTES,
            labels=containers.labels(run, "runner"),
            working_dir=f"{files.FOLDER}/{workdir}",
            environment={
                **variables,
                "PLAIN_HOST": endpoint.host if endpoint else "",
                "PLAIN_PASSWORD": endpoint.password if endpoint else "",
            },
        )
        container.put_archive("/", distribution_tar(root, root) + bytes(tarfile.BLOCKSIZE * 2))
        for place, folder, names in ((files.FOLDER, root, files.project_files(root)), (TOOLS, ROOT, tools)):
            with tempfile.TemporaryFile() as archive:
                files.project_tar(folder, names, archive)
                archive.seek(0)
                container.put_archive(place, archive)
        container.start()
        container.wait(timeout=timeout)
        return container.logs().decode(errors="replace")
