"""Fixtures of the tests of the runner: the interpreters, and projects."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from harness.protocol.messages import Route, RunSpec
from tests.files import write_files
from tests.runner import interpreters
from tests.runner.conversation import PROJECTS, Journal, MakeProject, RunTests, run

PROJECT = PROJECTS / "runner"
K = TypeVar("K")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tested = ", ".join(map(str, interpreters.available()))
    terminalreporter.write_line(f"the runner was tested with {tested}")
    for what in interpreters.missing():
        terminalreporter.write_line(
            f"the runner was NOT tested with {what}: there is no such interpreter here", yellow=True
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "interpreter" in metafunc.fixturenames:
        metafunc.parametrize("interpreter", interpreters.available(), ids=str, scope="session")


@pytest.fixture(scope="session")
def python(interpreter: interpreters.Interpreter) -> str:
    """The executable of each interpreter in turn."""
    return interpreters.python_of(interpreter)


def run_labels(
    folder: Path,
    *labels: str,
    env: Mapping[str, str] | None = None,
    django: Iterable[str] = (),
    routes: Sequence[Route] | None = None,
    python: str = sys.executable,
    **spec: Any,
) -> Journal:
    """The journal of *labels* of the project ``runner``, for which ``RUNNER_DIR`` is *folder*."""
    spec = {"settings": "config.settings", "workers": 2, "timeout_s": 60.0, **spec}
    return run(
        PROJECT,
        RunSpec(labels=labels, django_args=tuple(django), **spec),
        env={"RUNNER_DIR": str(folder), **(env or {})},
        python=python,
        routes=routes,
    )


def together(calls: Mapping[K, Callable[[], Journal]]) -> dict[K, Journal]:
    """The journal of each of *calls*. Several calls run at a time: a conversation waits more than it works."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        futures = {key: pool.submit(call) for key, call in calls.items()}
        return {key: future.result() for key, future in futures.items()}


@pytest.fixture
def runner(tmp_path: Path) -> RunTests:
    """Runs labels of the project ``runner``."""
    return functools.partial(run_labels, tmp_path)


@pytest.fixture(scope="module")
def runner_once(tmp_path_factory: pytest.TempPathFactory) -> RunTests:
    """The same, for a run that several tests look at."""
    return functools.partial(run_labels, tmp_path_factory.mktemp("runner"))


SETTINGS = """
SECRET_KEY = "for tests alone"
INSTALLED_APPS = []
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""


def make_project(folder: Path, files: dict[str, str], settings_lines: str = "") -> Path:
    write_files(folder, {"settings.py": SETTINGS + settings_lines, **files})
    return folder


def run_made(
    folder: Path,
    *labels: str,
    django: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
    python: str = sys.executable,
    flags: Sequence[str] = (),
    **spec: Any,
) -> Journal:
    """The journal of *labels* of the project in *folder*."""
    spec = {"settings": "settings", "workers": 2, "timeout_s": 60.0, **spec}
    return run(folder, RunSpec(labels=labels, django_args=tuple(django), **spec), env=env, python=python, flags=flags)


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    """Makes a project of files: ``project({"tests.py": "..."}, settings_lines="...")``; in ``settings.py`` are ``SETTINGS``."""
    return functools.partial(make_project, tmp_path)


@pytest.fixture
def run_project(tmp_path: Path) -> RunTests:
    """Runs the project that ``project`` has made."""
    return functools.partial(run_made, tmp_path)


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Journal]:
    """Makes a project and runs its tests, for a run that several tests look at: ``run_once(files, settings_lines, **spec)``."""

    def run_of(files: dict[str, str], settings_lines: str = "", **spec: Any) -> Journal:
        return run_made(make_project(tmp_path_factory.mktemp("project"), files, settings_lines), "tests", **spec)

    return run_of
