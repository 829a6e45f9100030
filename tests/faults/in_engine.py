"""The engine itself is stopped, and started again, in the middle of a run. It stops every container, of other people too."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.e2e.command import ROOT
from tests.faults.row import Row
from tests.faults.running import Running, wait_for

PID = Path("/var/run/docker.pid")


def restarted(db: str, folder: Path) -> Iterator[Row]:
    """What is known is reported, and nothing is left once the engine is back."""
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


SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {"engine": restarted}
