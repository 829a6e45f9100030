"""Figure ``recovery``: the time that a slot is idle after a crash, against the time of its clones when the run began."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ci.benchmark.figures import Comparison
from ci.benchmark.ground import STOREFRONT, Ground, environment, harness_command
from ci.benchmark.race import DEADLINE_S, Sides, failed

RECOVERY = Comparison(
    "recovery",
    "the storefront's slot from the death of its worker until the next test begins, on fresh clones, the old ones dropped",
    "the clones of a slot that there is nothing to drop for",
)
_TESTS = """\
import os
import signal

from django.test import TestCase


class CrashTests(TestCase):
    def test_1_dies(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def test_2_is_next(self):
        pass
"""
_LABEL = "accounts.tests.test_bench_crash"


@contextlib.contextmanager
def recovery(ground: Ground) -> Iterator[Sides]:
    """Both sides, from the journals of runs in which one test kills its worker."""
    folder, artifacts = ground.work / "crashing-storefront", ground.work / "crashing"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(STOREFRONT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"{_LABEL.replace('.', '/')}.py").write_text(_TESTS)
    command = harness_command(
        "--db=postgres", f"--project={folder}", "--parallel=1", f"--artifacts={artifacts}", _LABEL
    )

    def run() -> list[dict[str, Any]]:
        done = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        if done.returncode != 1:  # the test that dies is red
            raise failed(command, done.returncode, done.stdout + done.stderr)
        return [json.loads(line) for line in (artifacts / "journal.ndjson").read_text().splitlines()]

    yield Sides(lambda: idle_s(run()), lambda: clones_s(run()), lambda: _details(artifacts))


def idle_s(journal: list[dict[str, Any]]) -> float:
    """The seconds from the first worker's death to the beginning of the next test."""
    lost = next(place for place, event in enumerate(journal) if event["type"] == "WorkerLost")
    types = ("AttemptStarted", "AttemptsPassed")
    began = next(event for event in journal[lost:] if event["type"] in types or event.get("at_once"))
    return float(began["at"] - journal[lost]["at"])


def clones_s(journal: list[dict[str, Any]]) -> float:
    """The seconds that the first clones took."""
    return float(next(event for event in journal if event["type"] == "SlotRecycled")["duration"])


def _details(artifacts: Path) -> dict[str, float]:
    events = map(json.loads, (artifacts / "journal.ndjson").read_text().splitlines())
    _, again = [event["duration"] for event in events if event["type"] == "SlotRecycled"]
    return {"clones after the death": again}
