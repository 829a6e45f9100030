"""The column of pytest-xdist and pytest-django in the README's first table, on the small project of ``test_claims``."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import django
import pytest

from tests.e2e import command
from tests.e2e.test_claims import make_project
from tests.environments import python_with

PATIENCE_S = 120
COUNTED = """
from django.db import migrations

def note(apps, schema_editor):
    with open("migrated", "a") as file:
        file.write("once\\n")

class Migration(migrations.Migration):
    dependencies = [("shelf", "0001_initial")]
    operations = [migrations.RunPython(note)]
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python with pytest, pytest-django and pytest-xdist, apart from the one that runs these tests."""
    return python_with(
        "pytest-django", f"django=={django.get_version()}", "pytest-django", "pytest-xdist", "psycopg[binary]"
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return make_project(tmp_path / "shelf-project")


def run(python: Path, shelf: Path, *tests: str, settings: str = "settings") -> tuple[int, str]:
    """The exit status of pytest with two workers, and its output; ``junit.xml`` is in the project."""
    process = subprocess.run(
        [python, "-m", "pytest", "-n", "2", "--junitxml=junit.xml", *(f"shelf/tests.py::{test}" for test in tests)],
        cwd=shelf,
        env=command.environment(DJANGO_SETTINGS_MODULE=settings, PYTHONPATH=str(shelf)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    return process.returncode, process.stdout + process.stderr


def red(shelf: Path) -> set[str]:
    """The names of the tests that failed or erred."""
    cases = ET.parse(shelf / "junit.xml").iter("testcase")
    return {case.attrib["name"] for case in cases if case.find("failure") is not None or case.find("error") is not None}


def test_servers_have_to_be_up(python: Path, shelf: Path) -> None:
    status, output = run(python, shelf, "Count", settings="postgres")
    assert status == 1
    assert "OperationalError" in output


def test_a_mirror_reads_and_writes_its_primary(python: Path, shelf: Path) -> None:
    status, output = run(python, shelf, "Write")
    assert status == 0, output


def test_each_worker_migrates_its_own_database(python: Path, shelf: Path) -> None:
    (shelf / "shelf" / "migrations" / "0002_counted.py").write_text(COUNTED)
    status, output = run(python, shelf, "Count", "Write")
    assert status == 0, output
    assert (shelf / "migrated").read_text() == "once\n" * 2


def test_the_test_of_a_dead_worker_is_red(python: Path, shelf: Path) -> None:
    status, output = run(python, shelf, "Die", "Others")
    assert status == 1
    assert red(shelf) == {"test_die"}
    assert "crashed while running" in output


def test_there_is_no_time_limit(python: Path, shelf: Path) -> None:
    usage = subprocess.run([python, "-m", "pytest", "--help"], cwd=shelf, capture_output=True, text=True, check=True)
    assert "--numprocesses" in usage.stdout
    assert "--timeout" not in usage.stdout
