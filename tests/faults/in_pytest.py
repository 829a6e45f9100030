"""The same faults in a project of pytest: workers, fixtures and pytest itself that die, hang or exit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.e2e.command import PROJECTS
from tests.faults import declared, in_tests
from tests.faults.row import Row
from tests.faults.running import Running

PROJECT = PROJECTS / "pytest_faults"
MODULES = ("test_workers", "test_phases", "test_results", "test_attacks")


def tests(db: str, folder: Path) -> Iterator[Row]:
    """A row for each class of the project's modules, all of them in one run."""
    labels = [f"tests/{module}.py" for module in MODULES]
    with Running(db, folder / "tests", *labels, "--parallel", "2", project=PROJECT) as running:
        ended = running.finish()
        left = running.left()
    for module in MODULES:
        classes = declared.read(PROJECT / "tests" / f"{module}.py")
        yield from in_tests.rows(classes, ended, left, partial(_parts, f"tests/{module}.py::"))


def _parts(module: str, id: str) -> tuple[str, str]:
    """The class and the name of the test *id*, if it is one of *module*."""
    owner, _, name = id.removeprefix(module).partition("::")
    return owner, name


SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {"pytest_tests": tests}
