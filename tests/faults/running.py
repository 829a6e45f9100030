"""A run of ``harness ci`` that goes on, and what can be done to it from outside."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.host.docker.client import connect
from harness.host.docker.containers import ROLE_LABEL, RUN_LABEL
from tests.e2e.command import PROJECTS, ROOT, Ended, environment
from tests.signals import DEFAULT_SIGNALS

PROJECT = PROJECTS / "faults"
PATIENCE_S = 120.0


class Running:
    """``harness ci`` on a project of faults, in a process group of its own. A context manager: it has ended afterwards."""

    def __init__(
        self,
        db: str,
        artifacts: Path,
        *args: str,
        env: dict[str, str] | None = None,
        project: Path = PROJECT,
        **options: Any,
    ) -> None:
        self.artifacts = artifacts
        # by its users the servers of this run are told from those of any other
        self.user = f"u{secrets.token_hex(4)}"
        self._out = (artifacts.parent / f"{artifacts.name}.out").open("w+")
        self.process = subprocess.Popen(
            [
                *(*DEFAULT_SIGNALS, sys.executable, "-m", "harness", "ci", "--db", db, "--project", str(project)),
                *("--artifacts", str(artifacts), *args),
            ],
            cwd=ROOT,
            env={**environment(), "FAULTS_USER": self.user, **(env or {})},
            stdin=subprocess.DEVNULL,
            **{"stdout": self._out, "stderr": subprocess.STDOUT, "process_group": 0, **options},
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._out.close()

    def journal(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.artifacts / "journal.ndjson").read_text(errors="replace")
        return ""

    def until(self, word: str, count: int = 1) -> None:
        """Wait until the journal has *word* that often."""
        wait_for(lambda: self.journal().count(word) >= count or self.process.poll() is not None, word)

    def containers(self, role: str | None = None) -> list[str]:
        """The ids of this run's containers, of one role."""
        with _engine() as client:
            run = self._run(client)
            found = client.api.containers(all=True, filters={"label": f"{RUN_LABEL}={run}"}) if run else []
            return [entry["Id"] for entry in found if role is None or entry["Labels"][ROLE_LABEL] == role]

    def docker(self, *args: str) -> str:
        return subprocess.run(["docker", *args], capture_output=True, text=True, check=True, timeout=60).stdout

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def finish(self, patience_s: float = PATIENCE_S) -> Ended:
        deadline = time.monotonic() + patience_s
        while (
            self._id is None and self.process.poll() is None
        ):  # an unknown container would not be missed when it is left behind
            self.remember()
            time.sleep(0.2)
        self.process.wait(max(0.0, deadline - time.monotonic()))
        self._out.seek(0)
        return Ended(self.process.returncode, self._out.read(), "", self.artifacts)

    def left(self, patience_s: float = 0.0) -> tuple[str, ...]:
        """The containers and networks of the run that are left after at most *patience_s* seconds."""
        deadline = time.monotonic() + patience_s
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    def remember(self) -> None:
        """Find out the run's id while its servers are there."""
        with _engine() as client:
            self._run(client)

    _id: str | None = None

    def _run(self, client: Any) -> str | None:
        if self._id is None:
            for entry in client.api.containers(all=True, filters={"label": RUN_LABEL}):
                with contextlib.suppress(Exception):  # it has gone meanwhile
                    env = client.api.inspect_container(entry["Id"])["Config"]["Env"]
                    if any(self.user in pair for pair in env):
                        self._id = entry["Labels"][RUN_LABEL]
        return self._id

    def _left(self) -> tuple[str, ...]:
        with _engine() as client:
            if (run := self._run(client)) is None:
                return ()
            ours = {"label": f"{RUN_LABEL}={run}"}
            containers = [name for entry in client.api.containers(all=True, filters=ours) for name in entry["Names"]]
            return (*containers, *(entry["Name"] for entry in client.api.networks(filters=ours)))


def signal_inside(running: Running, name: str, place: float) -> bool:
    """Send a signal to one of the runner's processes, from the first (0) to the last (1)."""
    try:
        (runner,) = running.containers("runner")
        shell, *pids = map(int, running.docker("exec", runner, "sh", "-c", "cd /proc; echo $$ [0-9]*").split())
        pids = sorted({*pids} - {1, shell})
        running.docker("exec", runner, "sh", "-c", f"kill -{name} {pids[int(place * len(pids))]}")
    except (ValueError, IndexError, subprocess.CalledProcessError):  # it is not there yet, or has gone
        return False
    return True


@contextlib.contextmanager
def _engine() -> Iterator[Any]:
    with contextlib.closing(connect()) as client:
        yield client


def wait_for(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return when *condition* holds. Raises ``TimeoutError``."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


__all__ = ["PROJECT", "Running", "signal", "signal_inside", "wait_for"]
