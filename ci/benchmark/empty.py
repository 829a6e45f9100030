"""Figures ``empty`` and ``pytest``: the cost of one more test that does nothing.

A suite of 5,000 empty tests and one of a single test are run; their difference is the cost of 4,999 tests, from the first
to the last: finding, handing out, running and reporting each of them. The cost of a start is in neither. All sides run on
this machine, on the same Django, with as many workers.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import DJANGO, WORKERS, Ground, environment, harness_command
from ci.benchmark.race import Side, Sides, timed
from tests.files import write_files

CLASSES = 100
TESTS_A_CLASS = 50
CLASSES_A_MODULE = 10
MANY, ONE = "many", "one"
UNIT = "µs/test"
EMPTY = Comparison(
    "empty",
    "an empty test by harness ci --runner host",
    f"one by manage.py test --parallel {WORKERS}",
    unit=UNIT,
    aim=Aim(ratio=1.3),
)
PYTEST = Comparison(
    "pytest",
    "an empty test by harness ci --runner host",
    f"one by pytest -n {WORKERS} (pytest-xdist, pytest-django)",
    unit=UNIT,
    aim=Aim(ratio=0.2),
)

MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
"""
SETTINGS = """\
SECRET_KEY = "empty"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""


@contextlib.contextmanager
def empty(ground: Ground) -> Iterator[Sides]:
    """Both sides: ours, and Django's own parallel runner."""
    folder = ground.work / "empty"
    write_project(folder)
    django = [sys.executable, "manage.py", "test", f"--parallel={WORKERS}"]
    artifacts = ground.work / "empty-artifacts"
    yield Sides(_harness(folder, artifacts), _side(django, folder), lambda: phases(artifacts / "summary.json"))


@contextlib.contextmanager
def pytest(ground: Ground) -> Iterator[Sides]:
    """Both sides: ours, and pytest on as many processes."""
    folder = ground.work / "empty"
    write_project(folder)
    python = ground.venv("pytest", ["pytest", "pytest-xdist", "pytest-django", DJANGO])
    options = ["-q", "-p", "no:cacheprovider", "-n", str(WORKERS), "--ds=settings"]
    artifacts = ground.work / "empty-artifacts"
    yield Sides(
        _harness(folder, artifacts),
        _side([str(python), "-m", "pytest", *options], folder),
        lambda: phases(artifacts / "summary.json"),
    )


def write_project(folder: Path) -> None:
    """Write a Django project with the two suites, replacing an older one."""
    shutil.rmtree(folder, ignore_errors=True)
    write_files(folder, project_files())


def project_files() -> dict[str, str]:
    """The project's files by their path."""
    files = {"manage.py": MANAGE, "settings.py": SETTINGS, f"{MANY}/__init__.py": "", f"{ONE}/__init__.py": ""}
    for module in range(CLASSES // CLASSES_A_MODULE):
        names = [f"Empty{module * CLASSES_A_MODULE + number:03}Tests" for number in range(CLASSES_A_MODULE)]
        files[f"{MANY}/test_{module:02}.py"] = module_text(names, TESTS_A_CLASS)
    files[f"{ONE}/test_one.py"] = module_text(["EmptyTests"], 1)
    return files


def module_text(classes: list[str], tests: int) -> str:
    """A module of these *classes* with so many empty *tests* each."""
    methods = "\n".join(f"    def test_{number:02}(self):\n        pass\n" for number in range(tests))
    return "from django.test import SimpleTestCase\n" + "".join(
        f"\n\nclass {name}(SimpleTestCase):\n{methods}" for name in classes
    )


def _harness(folder: Path, artifacts: Path) -> Side:
    options = ["--runner=host", f"--parallel={WORKERS}", f"--project={folder}", f"--artifacts={artifacts}"]
    # the longer suite runs last, so that its summary stays
    return _marginal(lambda suite: timed(harness_command(*options, suite), folder, environment())[0])


def _side(command: list[str], folder: Path) -> Side:
    return _marginal(lambda suite: timed([*command, suite], folder, environment())[0])


def _marginal(run: Callable[[str], float]) -> Side:
    """A side that measures the microseconds of one more test."""

    def side() -> float:
        one = run(ONE)
        return (run(MANY) - one) / (CLASSES * TESTS_A_CLASS - 1) * 1e6

    return side


def phases(summary: Path) -> Mapping[str, float]:
    phases: dict[str, float] = json.loads(summary.read_bytes())["phases"]
    return {"tests": phases["tests"], "reports": phases["reports"]}
