"""Figures ``pytest-...``: a suite of pytest by ``harness ci``, against pytest itself and against pytest-xdist.

Both sides run in one environment on this machine. A run is measured as a whole, from the command's start to its end. The
collection of the tests is pytest's on both sides: xdist collects once in each worker, the harness once in all.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ci.benchmark.empty import SETTINGS, phases
from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import DJANGO, ROOT, WORKERS, Ground, environment
from ci.benchmark.race import DEADLINE_S, Side, Sides, failed, timed
from tests.files import write_files

EMPTY = "5,000 empty tests by harness ci --runner host"
SLOW = "a suite whose slow tests are in one module by harness ci --runner host"
XDIST = f"pytest -n {WORKERS}"
EMPTY_XDIST = Comparison("pytest-empty-xdist", EMPTY, XDIST, aim=Aim(ratio=0.75))
EMPTY_PLAIN = Comparison("pytest-empty-plain", EMPTY, "pytest -p no:xdist", aim=Aim(ratio=0.85))
SLOW_LOADFILE = Comparison("pytest-slow-loadfile", SLOW, f"{XDIST} --dist loadfile")
SLOW_WORKSTEAL = Comparison("pytest-slow-worksteal", SLOW, f"{XDIST} --dist worksteal")
CRASH = Comparison(
    "pytest-crash",
    "from the end of a worker's process in a test until its successor begins a test, by harness ci --runner host",
    f"the same by {XDIST}",
)

MODULES = 50
TESTS_A_MODULE = 100
SLOW_TESTS = 24
CRASHING_MODULES = 20
CRASH_TIMES = "times.txt"
INI = """\
[pytest]
DJANGO_SETTINGS_MODULE = settings
pythonpath = .
"""
_RECORDER = f"""\
import os
import time
from pathlib import Path

TIMES = Path(__file__).with_name("{CRASH_TIMES}")


def record(word):
    with TIMES.open("a") as file:
        file.write(f"{{word}} {{os.getpid()}} {{time.time()}}\\n")


def pytest_runtest_setup(item):
    record("test")
"""
_CRASHING = """\
import os

from conftest import record


def test_dies():
    record("death")
    os._exit(1)
"""


def empty_files() -> dict[str, str]:
    """A project of 5,000 tests that do nothing."""
    return _files({f"test_{module:02}.py": _module(TESTS_A_MODULE, "pass") for module in range(MODULES)})


def slow_files() -> dict[str, str]:
    """A project with one module of slow tests, and nine of quick ones."""
    modules = {f"test_quick_{number}.py": _module(20, "time.sleep(0.005)") for number in range(9)}
    return _files({**modules, "test_slow.py": _module(SLOW_TESTS, "time.sleep(0.25)")})


def crashing_files() -> dict[str, str]:
    """A project in which one of 2,001 tests ends its process, and each test records its time and its process."""
    modules = {f"test_{number:02}.py": _module(100, "time.sleep(0.005)") for number in range(CRASHING_MODULES)}
    return {**_files({**modules, "test_00_dies.py": _CRASHING}), "conftest.py": _RECORDER}


def against(files: Callable[[], dict[str, str]], *options: str) -> Callable[[Ground], AbstractContextManager[Sides]]:
    """Both sides of a figure that compares whole runs; *options* are those of the other side's pytest."""

    @contextlib.contextmanager
    def prepare(ground: Ground) -> Iterator[Sides]:
        folder, artifacts = _written(ground, files()), ground.work / "pytest-artifacts"
        ours, theirs = _commands(ground, artifacts, options)
        yield Sides(_timed(ours, folder), _timed(theirs, folder), lambda: phases(artifacts / "summary.json"))

    return prepare


@contextlib.contextmanager
def crash(ground: Ground) -> Iterator[Sides]:
    """Both sides of ``CRASH``, from the times that the tests record."""
    folder = _written(ground, crashing_files())
    ours, theirs = _commands(ground, ground.work / "pytest-artifacts", ("-n", str(WORKERS)))
    yield Sides(_recovery(ours, folder), _recovery(theirs, folder))


def recovery_s(lines: Sequence[str]) -> float:
    """The seconds from the death to the first test of a process that had run none before."""
    rows = [(word, int(pid), float(at)) for word, pid, at in map(str.split, lines)]
    died = next(at for word, _, at in rows if word == "death")
    before = {pid for _, pid, at in rows if at <= died}
    return min(at for word, pid, at in rows if word == "test" and pid not in before) - died


def _recovery(command: list[str], folder: Path) -> Side:
    def side() -> float:
        times = folder / CRASH_TIMES
        times.unlink(missing_ok=True)
        done = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        if done.returncode != 1:  # the test that dies is red
            raise failed(command, done.returncode, done.stdout + done.stderr)
        return recovery_s(times.read_text().splitlines())

    return side


def _timed(command: list[str], folder: Path) -> Side:
    return lambda: timed(command, folder, environment())[0]


def _commands(ground: Ground, artifacts: Path, options: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our command and pytest's, in an environment that has both."""
    python = ground.venv("pytest-runs", ["pytest", "pytest-xdist", "pytest-django", DJANGO, "--editable", str(ROOT)])
    ours = [
        str(python.with_name("harness")),
        "ci",
        "--runner=host",
        f"--parallel={WORKERS}",
        f"--artifacts={artifacts}",
    ]
    return ours, [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]


def _written(ground: Ground, files: dict[str, str]) -> Path:
    folder = ground.work / "pytest-project"
    shutil.rmtree(folder, ignore_errors=True)
    write_files(folder, files)
    return folder


def _files(modules: dict[str, str]) -> dict[str, str]:
    tests = {f"tests/{name}": text for name, text in modules.items()}
    return {"settings.py": SETTINGS, "pytest.ini": INI, **tests}


def _module(tests: int, body: str) -> str:
    functions = "\n\n".join(f"def test_{number:03}():\n    {body}\n" for number in range(tests))
    return f"import time\n\n\n{functions}"
