"""The fixture projects say what is true of them: without Docker and without a server."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.protocol.results import Outcome

PROJECTS = Path(__file__).parents[1] / "projects"
OUTCOMES = PROJECTS / "outcomes"


def run(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True, errors="replace"
    )


@pytest.fixture(scope="module")
def expected() -> Mapping[str, str]:
    loaded: dict[str, str] = json.loads((OUTCOMES / "expected.json").read_text())
    return loaded


def test_the_expectations_are_current() -> None:
    result = run(OUTCOMES, "expectations.py", "--check")
    assert result.returncode == 0, result.stderr


def test_every_outcome_is_expected_at_least_once(expected: Mapping[str, str]) -> None:
    assert set(expected.values()) == {outcome.value for outcome in Outcome}


def test_plain_django_agrees_with_what_it_can_survive(expected: Mapping[str, str], tmp_path: Path) -> None:
    verdicts = tmp_path / "verdicts.json"
    result = run(
        OUTCOMES,
        *("manage.py", "test", "--testrunner", "plain_runner.PlainRunner"),
        *("--exclude-tag", "deadly", "--exclude-tag", "topology"),
        OUTCOMES_DB_ENGINE="django.db.backends.sqlite3",
        OUTCOMES_VERDICTS=str(verdicts),
    )
    assert verdicts.exists(), result.stderr[-2000:]
    found = json.loads(verdicts.read_text())
    assert found == {test: expected.get(test) for test in found}
    left_out = {".".join(test.split(".")[1:3]) for test in expected if test not in found}
    deadly = {name for name in left_out if name.startswith(("test_crashes.", "test_timeouts."))}
    assert left_out - deadly == {"test_database.ReplicaTests", "test_database.MirrorTests"}


def test_no_project_imports_the_harness() -> None:
    """A project may use a mark that needs no import; tests of failover need the module."""
    sources = [
        path
        for path in PROJECTS.rglob("*.py")
        if PROJECTS / "failover" not in path.parents
        and "harness" in re.sub("harness_(timeout|mirrors)", "", path.read_text())
    ]
    assert sources == []
