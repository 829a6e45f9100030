"""Runs the real command, and reads what it left."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from harness.host.docker.client import connect
from harness.protocol import naming
from harness.report.journal import read_journal
from harness.report.model.ledger import fold
from harness.report.model.run_report import RunReport

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "tests" / "projects"


@dataclass(frozen=True)
class Ended:
    """A run of ``harness`` that has ended."""

    code: int
    out: str
    err: str
    artifacts: Path

    @property
    def summary(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.artifacts / "summary.json").read_text())
        return loaded

    @property
    def report(self) -> RunReport:
        return fold(read_journal(self.artifacts / "journal.ndjson"))

    @property
    def outcomes(self) -> dict[str, str]:
        return {case.test.id: case.outcome.value for case in self.report.cases}

    @property
    def output(self) -> str:
        return self.out + self.err


def environment(**changes: str | None) -> dict[str, str]:
    """This process's, without what CI systems set and what the harness reads, changed by *changes*.

    Without a cache of packages: each temporary project would leave a volume behind. And without a cache of earlier runs.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "HARNESS_", "DJANGO_"))}
    env.pop("CI", None)
    env["HARNESS_PACKAGE_CACHE"], env["HARNESS_CACHE"] = "0", os.devnull
    env["HARNESS_NO_CACHE"] = "1"
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def as_ordinary_user() -> tuple[str, ...]:
    """The words before a command line that run it without the rights of root, in a user namespace where this process has them."""
    return ("unshare", "--user", "--map-user=65534", "--map-group=65534") if os.geteuid() == 0 else ()


def harness(
    *args: str,
    artifacts: Path,
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    timeout: float = 300,
    prefix: tuple[str, ...] = (),
) -> Ended:
    """``harness ci`` with *args*, its artifacts in *artifacts*."""
    words = ("ci", "--artifacts", str(artifacts), *args)
    return command(*words, artifacts=artifacts, cwd=cwd, env=env, timeout=timeout, prefix=prefix)


def command(
    *args: str,
    artifacts: Path,
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    timeout: float = 300,
    prefix: tuple[str, ...] = (),
) -> Ended:
    process = subprocess.run(
        [*prefix, sys.executable, "-m", "harness", *args],
        cwd=cwd,
        env=env or environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    return Ended(process.returncode, process.stdout, process.stderr, artifacts)


def docker(*words: str) -> str:
    """The output of the engine's own client, which must succeed."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True, timeout=300).stdout


def red_case(ended: Ended) -> str:
    """The message of the one case that makes the JUnit report red."""
    errors = [
        error for case in ET.parse(ended.artifacts / "junit.xml").iter("testcase") for error in case.iter("error")
    ]
    assert len(errors) == 1
    return errors[0].attrib["message"]


def runs_of(user: str) -> set[str]:
    """The ids of the runs whose servers have the role *user*."""
    client = connect()
    try:
        ours = {"label": f"{naming.LABEL}.run"}
        found = []
        for entry in client.api.containers(all=True, filters=ours):
            with contextlib.suppress(NotFound):  # another run's, which has gone meanwhile
                found.append(client.api.inspect_container(entry["Id"]))
        return {
            entry["Config"]["Labels"][f"{naming.LABEL}.run"]
            for entry in found
            if f"HARNESS_USERS={user}" in entry["Config"]["Env"]
        }
    finally:
        client.close()


def stays(listed: Callable[[], Iterable[str]], before: Iterable[str], patience_s: float = 300) -> set[str]:
    """The entries of *listed* that were not there *before* and stay. Those of runs beside this one go when the runs end."""
    deadline = time.monotonic() + patience_s
    left = set(listed()).difference(before)
    while left and time.monotonic() < deadline:
        time.sleep(1)
        left.intersection_update(listed())
    return left


def left_behind() -> list[str]:
    """Containers and networks of ours that are there now."""
    client = connect()
    try:
        ours = {"label": f"{naming.LABEL}.run"}
        containers = [name for entry in client.api.containers(all=True, filters=ours) for name in entry["Names"]]
        return containers + [entry["Name"] for entry in client.api.networks(filters=ours)]
    finally:
        client.close()
