"""What the composite action decides: names, keys of caches, the command line, outputs. Its steps run in tests/e2e."""

from __future__ import annotations

import datetime
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import environment
from tests.markdown import ROOT

STEPS = ROOT / ".github" / "actions" / "harness" / "steps.py"
STOREFRONT = "tests/projects/storefront"
MONDAY = datetime.date(2026, 11, 16)

_spec = importlib.util.spec_from_file_location("action_steps", STEPS)
steps = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(steps)


def variables(**changes):
    return {
        "NAME": "",
        "GITHUB_JOB": "tests",
        "PROJECT": str(ROOT / STOREFRONT),
        "DB": "postgres:17",
        "PYTHON_VERSION": "",
        "LABELS": "",
        "ARGS": "",
        "JOB_INDEX": "0",
        "JOB_TOTAL": "1",
        "RUNNER_TEMP": "/tmp/runner",
        "RUNNER_OS": "Linux",
        "RUNNER_ARCH": "X64",
        "ARTIFACTS": "/tmp/artifacts",
    } | changes


def prepare(**changes):
    return steps.prepare(variables(**changes), MONDAY)


def test_the_key_says_system_week_servers_and_dependencies() -> None:
    told = prepare()
    begin, _, dependencies = told["key"].rpartition("-")
    assert told["key"].startswith("harness-images-Linux-X64-2026w47-")
    assert told["restore-key"] == f"{begin}-"
    assert len(dependencies) == 12


def test_the_key_stays_with_the_content_and_changes_with_it(tmp_path: Path) -> None:
    (tmp_path / "manage.py").touch()
    (tmp_path / "requirements.txt").write_text("django\n")
    project = {"PROJECT": str(tmp_path)}
    before = prepare(**project)
    assert prepare(**project, NAME="other")["key"] == before["key"]
    (tmp_path / "shop.py").write_text("nothing that is installed\n")
    assert prepare(**project)["key"] == before["key"]
    (tmp_path / "requirements.txt").write_text("django\npillow\n")
    after = prepare(**project)
    assert after["key"] != before["key"]
    assert after["restore-key"] == before["restore-key"]


@pytest.mark.parametrize(
    "other", [{"DB": "postgres:15"}, {"DB": "postgres:17 postgres:15"}, {"PYTHON_VERSION": "3.12"}]
)
def test_other_servers_and_another_python_have_another_key(other) -> None:
    assert prepare(**other)["restore-key"] != prepare()["restore-key"]


def test_the_way_a_backend_is_written_makes_no_difference() -> None:
    assert (
        prepare(DB="postgres")["key"] == prepare(DB="postgresql:17")["key"] == prepare(DB="default=postgres:17")["key"]
    )


def test_a_new_week_has_a_new_key() -> None:
    assert steps.prepare(variables(), MONDAY + datetime.timedelta(7))["restore-key"] != prepare()["restore-key"]


def test_dependencies_that_may_be_any_file_are_no_part_of_the_key(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\ninstall = ["./install.sh"]\n')
    told = prepare(PROJECT=str(tmp_path))
    assert told["key"] == told["restore-key"]


def test_a_configuration_that_is_wrong_is_left_to_the_run() -> None:
    assert "-unknown-" in prepare(DB="oracle")["key"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "harness-tests-tests-projects-storefront-postgres-17"),
        ({"PROJECT": ".", "DB": ""}, "harness-tests"),
        ({"PROJECT": ".", "DB": "default=mysql:9.7 sqlite"}, "harness-tests-default-mysql-9.7-sqlite"),
        ({"PROJECT": ".", "PYTHON_VERSION": "3.12"}, "harness-tests-postgres-17-py3.12"),
        ({"PROJECT": ".", "JOB_INDEX": "3", "JOB_TOTAL": "4"}, "harness-tests-postgres-17-3"),
        ({"NAME": "mine"}, "mine"),
        ({"NAME": "a\nverdict=passed"}, "a-verdict-passed"),
    ],
)
def test_artifacts_have_a_name_of_their_own(given, name: str) -> None:
    told = prepare(**({"PROJECT": STOREFRONT} | given))
    assert told["name"] == name
    assert told["artifacts"] == f"/tmp/runner/harness/artifacts/{name}"


def test_the_command_line() -> None:
    given = variables(
        PROJECT="shop",
        DB="postgres:17\nsqlite",
        PYTHON_VERSION="3.12",
        LABELS="a.tests b",
        ARGS="-k 'two words' --retries 1",
    )
    assert steps.arguments(given)[1:] == [
        "ci",
        *("--project", "shop", "--artifacts", "/tmp/artifacts"),
        *("--db", "postgres:17", "--db", "sqlite", "--python", "3.12"),
        *("-k", "two words", "--retries", "1", "a.tests", "b"),
    ]


def step(name, **given):
    env = environment() | variables(**given)
    return subprocess.run([sys.executable, STEPS, name], env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ARGS": "-k 'open"}, "the input args cannot be read: No closing quotation: -k 'open"),
        ({"DB": "oracle"}, "oracle"),
    ],
)
def test_wrong_inputs_are_usage_errors(given, said: str, tmp_path: Path) -> None:
    done = step("run", **given, ARTIFACTS=str(tmp_path / "artifacts"))
    assert done.returncode == 2
    assert said in done.stderr


def test_results_of_a_run(tmp_path: Path) -> None:
    summary = {"verdict": "failed", "exit_code": 1, "counts": {"planned": 2, "failed": 1}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "junit.xml").touch()
    done = step("results", ARTIFACTS=str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "verdict=failed",
        "exit-code=1",
        'counts={"planned": 2, "failed": 1}',
        f"report={tmp_path / 'junit.xml'}",
    ]


@pytest.mark.parametrize("left", ["", '{"verdict": '])
def test_results_of_a_run_that_left_no_summary(tmp_path: Path, left: str) -> None:
    if left:
        (tmp_path / "summary.json").write_text(left)
    assert steps.results(tmp_path) == {"verdict": "aborted", "exit-code": "", "counts": "{}", "report": ""}


def test_the_images_that_were_used(tmp_path: Path) -> None:
    for name, image in {"a": "harness-postgres:17-0a1b", "b": "harness-mariadb:11.8-0a1b"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.json").write_text(json.dumps({"servers": [{"image": image}]}))
    assert steps.backends_used(tmp_path) == ["mariadb:11.8", "postgres:17"]


def test_a_run_without_servers_used_none(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"servers": []}')
    assert steps.backends_used(tmp_path) == ["sqlite"]
    assert steps.backends_used(Path(tmp_path / "nothing")) == ["sqlite"]
