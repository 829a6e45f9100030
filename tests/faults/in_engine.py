"""An engine that answers late, or not at all, and one that is stopped, and started again, in the middle of a run: that
stops every container, of other people too.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.e2e.command import ROOT
from tests.faults.row import Row
from tests.faults.running import Running
from tests.waiting import wait_for

PID = Path("/var/run/docker.pid")


def restarted(db: str, folder: Path) -> Iterator[Row]:
    """The known outcomes are reported, and nothing is left once the engine is back."""
    with Running(db, folder / "engine", "tests.test_servers", "--parallel", "2", "--timeout", "60") as running:
        running.until('"AttemptStarted"', 2)
        running.remember()
        pid = int(PID.read_text())
        subprocess.run([*([] if os.geteuid() == 0 else ["sudo", "-n"]), "kill", "-TERM", str(pid)], check=True)
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the engine's end")
        time.sleep(2)
        subprocess.run(["ci/engine"], cwd=ROOT, check=True, timeout=300)
        ended = running.finish()
        counts = ended.summary["counts"]
        told = "12 accounted for" if counts["errors"] + counts["not_run"] == 12 else str(counts)
        yield Row(
            "the engine is stopped and started again",
            "exit 3, 12 accounted for",
            f"exit {ended.code}, {told}",
            running.left(10.0),
        )


def slow(db: str, folder: Path) -> Iterator[Row]:
    """Each thing that is said to the engine arrives late; or none does."""
    with (
        _late_engine(folder / "late.sock", 0.2) as host,
        Running(db, folder / "late", "tests.test_waits.QuickTests", env={"DOCKER_HOST": host}) as running,
    ):
        ended = running.finish()
        counts = ended.summary["counts"]
        seen = f"exit {ended.code}, {counts['passed']} passed"
        yield Row("an engine that answers slowly", "exit 0, 3 passed", seen, running.left())
    silent = folder / "silent.sock"
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(silent))
        nobody.listen()
        with Running(db, folder / "silent", "tests.test_waits", env={"DOCKER_HOST": f"unix://{silent}"}) as running:
            running.process.wait(60)
            ended = running.finish()
            said = "says so" if "No Docker engine answers" in ended.out else "says nothing"
            yield Row("an engine that never answers", "exit 3, says so", f"exit {ended.code}, {said}")


@contextlib.contextmanager
def _late_engine(path: Path, delay_s: float) -> Iterator[str]:
    """The address of an engine that is the real one, to which whatever is sent comes *delay_s* late."""
    command = [sys.executable, "-m", "tests.faults.late_engine", str(path), str(delay_s)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"serves\n"
        try:
            yield f"unix://{path}"
        finally:
            process.kill()


SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {"engine": restarted, "slow": slow}
