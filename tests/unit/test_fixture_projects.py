"""The fixture projects say what is true of them: no Docker, no server, SQLite at most."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

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
    return json.loads((OUTCOMES / "expected.json").read_text())


def test_the_expectations_are_current() -> None:
    result = run(OUTCOMES, "expectations.py", "--check")
    assert result.returncode == 0, result.stderr


def test_every_outcome_is_expected_at_least_once(expected: Mapping[str, str]) -> None:
    from harness.contract.events import Outcome

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
    left_out = {test.rsplit(".", 2)[0] + "." + test.rsplit(".", 2)[1] for test in expected if test not in found}
    assert {name.split(".")[1] for name in left_out} == {"test_crashes", "test_timeouts", "test_database"}


def test_the_storefront_is_green_without_a_server() -> None:
    result = run(
        PROJECTS / "storefront",
        *("manage.py", "test", "--exclude-tag", "topology"),
        STOREFRONT_DB_ENGINE="django.db.backends.sqlite3",
    )
    assert result.returncode == 0, result.stderr[-3000:]


def test_no_project_imports_the_harness() -> None:
    sources = [path for path in PROJECTS.rglob("*.py") if "harness" in path.read_text()]
    assert sources == []
