"""Figures ``memory`` and ``capture``: the host process's memory for many tests, and the cost of capturing tests' output
and SQL.

Both run on SQLite and this machine, without servers, so that nothing else is measured.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ci.benchmark.empty import MANAGE, MANY, ONE, SETTINGS, module_text, phases
from ci.benchmark.figures import Comparison
from ci.benchmark.ground import WORKERS, Ground, environment, harness_command
from ci.benchmark.race import Side, Sides, failed, timed
from harness.runner.bootstrap import NAME as RUNNING
from tests.files import write_files

TESTS = {MANY: 50_000, ONE: 500}
"""The number of tests in each suite of ``memory``."""
TESTS_A_CLASS = 50
CLASSES_A_MODULE = 50
STATEMENTS = 5
"""The number of statements that each test of ``capture`` runs; each test prints a line too."""
TALKERS = 3000

MEMORY = Comparison(
    "memory",
    f"the most memory of the host's process, of {TESTS[MANY]:,} empty tests",
    f"the same of {TESTS[ONE]:,}",
    unit="MB",
)
CAPTURE = Comparison(
    "capture",
    f"a test that prints a line and runs {STATEMENTS} statements",
    "the same with the capture of output and SQL taken out",
    unit="µs/test",
)
OFF = f"""\
from settings import *

from {RUNNING}.runner import private_apis
from {RUNNING}.runner.workers.output_capture import Capture

private_apis.hook_cursors = lambda *_: None
Capture.begin = lambda self: None
Capture.end = lambda self: ("", "")
"""
TALKING = f"""\
from django.db import connection
from django.test import TestCase


class TalkingTests(TestCase):
    def talk(self):
        print("said by a test")
        with connection.cursor() as cursor:
            for number in range({STATEMENTS}):
                cursor.execute("SELECT %s", [number])


for number in range(COUNT):
    setattr(TalkingTests, f"test_{{number:05}}", lambda self: self.talk())
"""


@contextlib.contextmanager
def memory(ground: Ground) -> Iterator[Sides]:
    """Both sides. Details: the duration of the reports, and the size of ``junit.xml``."""
    folder, artifacts = ground.work / "scale", ground.work / "scale-artifacts"
    write(folder, {"settings.py": SETTINGS, **_empty_tests()})
    big = artifacts / MANY

    def details() -> Mapping[str, float]:
        size = (big / "junit.xml").stat().st_size / 1e6
        return {**phases(big / "summary.json"), "size of junit.xml in MB": size}

    yield Sides(_peak(folder, MANY, big), _peak(folder, ONE, artifacts / ONE), details)


@contextlib.contextmanager
def capture(ground: Ground) -> Iterator[Sides]:
    """Both sides by the harness; the other one's settings remove the hooks."""
    folder, artifacts = ground.work / "talking", ground.work / "talking-artifacts"
    tests = {
        f"{MANY}/test_talking.py": TALKING.replace("COUNT", str(TALKERS)),
        f"{ONE}/test_talking.py": TALKING.replace("COUNT", "1"),
    }
    write(folder, {"settings.py": SETTINGS, "settings_off.py": OFF, **tests})
    yield Sides(_cost(folder, artifacts, "settings"), _cost(folder, artifacts, "settings_off"))


def _empty_tests() -> dict[str, str]:
    files = {}
    for suite, tests in TESTS.items():
        names = [f"Empty{number:04}Tests" for number in range(tests // TESTS_A_CLASS)]
        for start in range(0, len(names), CLASSES_A_MODULE):
            batch = names[start : start + CLASSES_A_MODULE]
            files[f"{suite}/test_{start:04}.py"] = module_text(batch, TESTS_A_CLASS)
    return files


def write(folder: Path, files: Mapping[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    inits = {f"{suite}/__init__.py": "" for suite in (MANY, ONE)}
    write_files(folder, {"manage.py": MANAGE, **inits, **files})


def ci_command(folder: Path, artifacts: Path, suite: str, *more: str) -> list[str]:
    return harness_command(
        "--runner=host", f"--parallel={WORKERS}", f"--project={folder}", f"--artifacts={artifacts}", *more, suite
    )


def _peak(folder: Path, suite: str, artifacts: Path) -> Side:
    """A side that measures megabytes, sampled while the process runs: after its end the kernel's figure includes its
    children.
    """

    def side() -> float:
        command = ci_command(folder, artifacts, suite)
        peak = 0.0
        with subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            while process.poll() is None:
                peak = max(peak, _high_water_mb(process.pid))
                time.sleep(0.02)
        if process.returncode != 0:
            raise failed(command, process.returncode, "")
        return peak

    return side


def _high_water_mb(pid: int) -> float:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1000
    return 0.0


def _cost(folder: Path, artifacts: Path, settings: str) -> Side:
    """A side that measures the microseconds of one more test."""

    def run(suite: str) -> float:
        return timed(ci_command(folder, artifacts, suite, f"--settings={settings}"), folder, environment())[0]

    def side() -> float:
        one = run(ONE)
        return (run(MANY) - one) / (TALKERS - 1) * 1e6

    return side
