"""A run of ``harness ci`` that goes on, and what can be done to it from outside."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.e2e.command import PROJECTS, ROOT, Ended, docker, environment
from tests.faults.where import LOCAL, Containers, Processes
from tests.signals import DEFAULT_SIGNALS
from tests.waiting import wait_for

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
        has_small_disk: bool = False,
        **options: Any,
    ) -> None:
        self.artifacts = artifacts
        # by its users the servers of this run are told from those of any other
        self.user = f"u{secrets.token_hex(4)}"
        self.servers: Containers | Processes = (Processes if db.startswith(LOCAL) else Containers)(self.user)
        self._out = (artifacts.parent / f"{artifacts.name}.out").open("w+")
        self.process = subprocess.Popen(
            [
                *(self.servers.small_disk if has_small_disk else ()),
                *(*DEFAULT_SIGNALS, sys.executable, "-m", "harness", "ci"),
                *("--db", db.removeprefix(LOCAL), "--project", str(project)),
                *("--artifacts", str(artifacts), *self.servers.arguments, *args),
            ],
            cwd=ROOT,
            env={**environment(), "FAULTS_USER": self.user, **self.servers.variables, **(env or {})},
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
        assert isinstance(self.servers, Containers)
        return self.servers.find(role)

    def docker(self, *args: str) -> str:
        return docker(*args)

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def finish(self, patience_s: float = PATIENCE_S) -> Ended:
        deadline = time.monotonic() + patience_s
        while (
            not self._is_known and self.process.poll() is None
        ):  # an unknown container would not be missed when it is left behind
            self.remember()
            time.sleep(0.2)
        self.process.wait(max(0.0, deadline - time.monotonic()))
        self._out.seek(0)
        return Ended(self.process.returncode, self._out.read(), "", self.artifacts)

    def left(self, patience_s: float = 0.0) -> tuple[str, ...]:
        """The remains of the run's servers after at most *patience_s* seconds."""
        deadline = time.monotonic() + patience_s
        while (left := self.servers.left()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    def remember(self) -> None:
        """Find out the run's id while its servers are there."""
        self._is_known = self.servers.remember()

    _is_known = False


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


__all__ = ["PROJECT", "Running", "signal", "signal_inside"]
