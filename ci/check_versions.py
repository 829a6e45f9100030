"""``python -m ci.check_versions``: one test on each Python and on each server version that the documentation names.

An image's programs can change without a change here: this check detects it on images that were made on the day. Existing
images are used; a machine that keeps none, as a CI's, makes them all.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from harness.errors import ExitCode
from harness.host.engines import ENGINES
from harness.host.images import debian
from harness.host.project.python_version import PYTHONS

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "tests" / "projects" / "storefront"
TEST = "reports.tests.test_topology.RealReplicaTests.test_a_read_sees_what_was_committed_before_it"
"""A test that needs a primary, a replica, and the driver of the server."""

DEADLINE_S = 3600
PYTHON, SERVER = "3.13", "postgres:17"
"""The Python for a server's version, and the server for a Python's version."""


@dataclass(frozen=True, slots=True)
class Version:
    """The versions of one run: ``name`` is its label in the table, ``arguments`` are those of ``harness ci``."""

    name: str
    python: str
    server: str

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--python", self.python, "--db", self.server)

    @property
    def needs_registry(self) -> bool:
        """Whether no suite of Debian has this Python."""
        return self.python not in debian.PYTHON_SUITES


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run: ``ok``, ``not had`` or ``FAILED``; *ran_on* lists the versions that it reported, or why it
    did not run.
    """

    version: Version
    word: str
    images_s: float
    total_s: float
    ran_on: str


def versions() -> tuple[Version, ...]:
    """Every version that is documented, each once."""
    pythons = [Version(f"python {python}", python, SERVER) for python in PYTHONS]
    servers = [f"{engine.name}:{version}" for engine in ENGINES.values() for version in engine.versions]
    return (*pythons, *(Version(server.replace(":", " "), PYTHON, server) for server in servers if server != SERVER))


def judged(version: Version, code: int, summary: dict[str, Any], said: str, total_s: float) -> Result:
    """The result of a run that ended with *code*, from its *summary* (empty without one) and its output *said*."""
    if not summary or code:
        is_absent = code == ExitCode.PROJECT and version.needs_registry and "cannot be had here" in said
        why = "no registry, machine or uv has it here" if is_absent else f"exit {code}"
        return Result(version, "not had" if is_absent else "FAILED", 0.0, total_s, why)
    python = str(summary["python"])
    servers = sorted({f"{server['engine']} {server['version']}" for server in summary["servers"]})
    ran_on = ", ".join([f"Python {python}", *servers])
    engine, _, wanted = version.server.partition(":")
    is_right = (f"{python}.").startswith(f"{version.python}.") and all(
        f"{server}.".startswith(f"{engine} {wanted}.") for server in servers
    )
    is_green = summary["counts"]["passed"] == summary["counts"]["planned"] == 1
    return Result(
        version, "ok" if is_right and is_green and servers else "FAILED", summary["phases"]["images"], total_s, ran_on
    )


def line(result: Result) -> str:
    """*result* as a row of the table."""
    return f"{result.version.name:<14} {result.word:<8} {result.images_s:7.1f} {result.total_s:7.1f}  {result.ran_on}"


@click.command()
@click.option(
    "--only", multiple=True, metavar="VERSION", help="This one alone, as python:3.14 or mysql:9.7; may be given again."
)
@click.option("--all", "wants_all", is_flag=True, help="A version that cannot be had here fails as well.")
def main(only: tuple[str, ...], wants_all: bool) -> None:
    """Run one test on each Python and each server version that the documentation names, and print a table.

    Exits with 1 if one fails. A version that only a registry has is left out where none answers, and the table says so.
    """
    known = {version.name.replace(" ", ":"): version for version in versions()}
    if unknown := sorted({*only} - {*known}):
        raise click.UsageError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    print(f"{'version':<14} {'':<8} {'images':>7} {'total':>7}  ran on", flush=True)
    results = []
    for version in [known[name] for name in only or known]:
        results.append(_run(version))
        print(line(results[-1]), flush=True)
    bad = ("FAILED", "not had") if wants_all else ("FAILED",)
    sys.exit(any(result.word in bad for result in results))


def _run(version: Version) -> Result:
    """Run the test; the output of a failed run goes to standard error."""
    with tempfile.TemporaryDirectory() as folder:
        artifacts = Path(folder) / "artifacts"
        command: Sequence[str] = [
            *(sys.executable, "-m", "harness", "ci", TEST, "--project", str(PROJECT)),
            *("--artifacts", str(artifacts), *version.arguments),
        ]
        started = time.monotonic()
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=DEADLINE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Result(version, "FAILED", 0.0, DEADLINE_S, "had not ended after an hour")
        file = artifacts / "summary.json"
        summary = json.loads(file.read_text()) if file.is_file() else {}
        result = judged(version, done.returncode, summary, done.stdout, time.monotonic() - started)
    if result.word == "FAILED":
        print(done.stdout, file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    main()
