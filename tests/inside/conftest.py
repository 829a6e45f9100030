"""What the tests of inside share: the interpreters, and projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract.runspec import DjangoOptions, RunSpec
from tests.inside import interpreters
from tests.inside.conversation import PROJECTS, Journal, run

INSIDE = PROJECTS / "inside"


def pytest_terminal_summary(terminalreporter):
    tested = ", ".join(map(str, interpreters.available()))
    terminalreporter.write_line(f"inside was tested with {tested}")
    for what in interpreters.missing():
        terminalreporter.write_line(f"inside was NOT tested with {what}: there is no such interpreter here", yellow=True)


def pytest_generate_tests(metafunc):
    if "interpreter" in metafunc.fixturenames:
        metafunc.parametrize("interpreter", interpreters.available(), ids=str, scope="session")


@pytest.fixture(scope="session")
def python(interpreter):
    """The executable of each interpreter in turn."""
    return interpreters.python_of(interpreter)


@pytest.fixture
def inside(tmp_path):
    """Runs labels of the project ``inside``; ``INSIDE_DIR`` is *tmp_path* to it."""

    def run_labels(*labels, env=None, python=None, django=None, **spec) -> Journal:
        spec = {"settings": "config.settings", "workers": 2, "timeout_s": 60.0, **spec}
        options = {} if python is None else {"python": python}
        return run(
            INSIDE,
            RunSpec(labels=labels, options=DjangoOptions(**(django or {})), **spec),
            env={"INSIDE_DIR": str(tmp_path), **(env or {})},
            **options,
        )

    return run_labels


SETTINGS = """
SECRET_KEY = "for tests alone"
INSTALLED_APPS = []
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""


@pytest.fixture
def project(tmp_path):
    """Makes a small project of files: ``project({"tests.py": "..."})``; its settings are ``SETTINGS`` if it has none."""

    def make(files: dict[str, str], settings: str = SETTINGS) -> Path:
        for name, text in {"settings.py": settings, **files}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return make
