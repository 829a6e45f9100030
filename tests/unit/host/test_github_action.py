"""The steps of the composite action: names, cache keys, the command line, outputs. tests/e2e runs the action itself."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host import github_action
from harness.host.run import history
from harness.host.saving import commands as seeds
from tests.e2e.command import environment
from tests.github_runner import read_yaml
from tests.markdown import ROOT

STOREFRONT = "tests/projects/storefront"
MONDAY = datetime.date(2026, 11, 16)
MODULE = ("-P", "-m", "harness.host.github_action")


def variables(**changes: str) -> dict[str, str]:
    return {
        "NAME": "",
        "GITHUB_JOB": "tests",
        "PROJECT": str(ROOT / STOREFRONT),
        "DB": "postgres:17",
        "DJANGO": "",
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


def prepare(**changes: str) -> dict[str, str]:
    return github_action.prepare(variables(**changes), MONDAY)


class TestCacheKey:
    def test_has_system_week_servers_and_dependencies(self) -> None:
        outputs = prepare()
        begin, _, dependencies = outputs["key"].rpartition("-")
        assert outputs["key"].startswith("harness-images-Linux-X64-2026w47-")
        assert outputs["restore-key"] == f"{begin}-"
        assert len(dependencies) == 12

    def test_changes_with_the_dependencies_alone(self, tmp_path: Path) -> None:
        (tmp_path / "manage.py").touch()
        (tmp_path / "requirements.txt").write_text("django\n")
        project = str(tmp_path)
        before = prepare(PROJECT=project)
        assert prepare(PROJECT=project, NAME="other")["key"] == before["key"]
        (tmp_path / "shop.py").write_text("no dependency\n")
        assert prepare(PROJECT=project)["key"] == before["key"]
        (tmp_path / "requirements.txt").write_text("django\npillow\n")
        after = prepare(PROJECT=project)
        assert after["key"] != before["key"]
        assert after["restore-key"] == before["restore-key"]

    @pytest.mark.parametrize(
        "other", [{"DB": "postgres:15"}, {"DB": "postgres:17 postgres:15"}, {"PYTHON_VERSION": "3.12"}]
    )
    def test_changes_with_servers_and_python(self, other: dict[str, str]) -> None:
        assert prepare(**other)["restore-key"] != prepare()["restore-key"]

    def test_changes_with_each_django_that_is_installed(self) -> None:
        keys = [prepare(DJANGO=django) for django in ("", "5.2", "6.1", "5.2 6.1")]
        assert len({outputs["key"] for outputs in keys}) == 4
        assert len({outputs["restore-key"] for outputs in keys}) == 1

    def test_ignores_the_spelling_of_a_backend(self) -> None:
        keys = {prepare(DB=db)["key"] for db in ("postgres", "postgresql:17", "default=postgres:17")}
        assert len(keys) == 1

    def test_changes_each_week(self) -> None:
        later = github_action.prepare(variables(), MONDAY + datetime.timedelta(7))
        assert later["restore-key"] != prepare()["restore-key"]

    def test_omits_dependencies_that_may_be_any_file(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text('[tool.harness]\ninstall = ["./install.sh"]\n')
        outputs = prepare(PROJECT=str(tmp_path))
        assert outputs["key"] == outputs["restore-key"]

    def test_leaves_the_error_of_a_configuration_to_the_run(self) -> None:
        assert "-unknown-" in prepare(DB="oracle")["key"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "harness-tests-tests-projects-storefront-postgres-17"),
        ({"PROJECT": ".", "DB": ""}, "harness-tests"),
        ({"PROJECT": ".", "DB": "default=mysql:9.7 sqlite"}, "harness-tests-default-mysql-9.7-sqlite"),
        ({"PROJECT": ".", "PYTHON_VERSION": "3.12"}, "harness-tests-postgres-17-py3.12"),
        ({"PROJECT": ".", "DJANGO": "5.2 6.1"}, "harness-tests-postgres-17-django5.2-6.1"),
        ({"PROJECT": ".", "JOB_INDEX": "3", "JOB_TOTAL": "4"}, "harness-tests-postgres-17-3"),
        ({"NAME": "mine"}, "mine"),
        ({"NAME": "a\nverdict=passed"}, "a-verdict-passed"),
    ],
)
def test_artifacts_of_each_job_have_a_name(given: dict[str, str], name: str) -> None:
    outputs = prepare(**({"PROJECT": STOREFRONT} | given))
    assert outputs["name"] == name
    assert outputs["artifacts"] == f"/tmp/runner/harness/artifacts/{name}"
    assert outputs["cache"] == "/tmp/runner/harness/cache"
    assert outputs["databases-key"].endswith(f"-{name}-")


class TestRun:
    def test_inputs_become_the_command_line(self) -> None:
        given = variables(
            PROJECT="shop",
            DB="postgres:17\nsqlite",
            DJANGO="5.2 6.1",
            PYTHON_VERSION="3.12",
            LABELS="a.tests b",
            ARGS="-k 'two words' --retries 1",
        )
        assert github_action.arguments(given)[1:] == [
            "ci",
            *("--artifacts", "/tmp/artifacts", "--project", "shop"),
            *("--db=postgres:17", "--db=sqlite", "--django=5.2", "--django=6.1", "--python", "3.12"),
            *("-k", "two words", "--retries", "1", "a.tests", "b"),
        ]

    def test_labels_stand_before_the_options_of_pytest(self) -> None:
        given = variables(LABELS="'tests/test_a.py::test_b[1 2]'\ntests", ARGS="--retries 1 -- -m 'not slow'")
        assert github_action.arguments(given)[-7:] == [
            *("--retries", "1", "tests/test_a.py::test_b[1 2]", "tests", "--", "-m", "not slow")
        ]

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"ARGS": "-k 'open"}, "the inputs args and labels cannot be read: No closing quotation: -k 'open"),
            ({"DB": "oracle"}, "oracle"),
        ],
    )
    def test_wrong_inputs_are_usage_errors(self, given: dict[str, str], message: str, tmp_path: Path) -> None:
        done = step("run", ARTIFACTS=str(tmp_path / "artifacts"), **given)
        assert done.returncode == 2
        assert message in done.stderr


class TestResults:
    def test_are_those_of_the_summary(self, tmp_path: Path) -> None:
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

    @pytest.mark.parametrize("content", ["", '{"verdict": '])
    def test_of_a_run_without_a_summary_are_those_of_an_abort(self, tmp_path: Path, content: str) -> None:
        if content:
            (tmp_path / "summary.json").write_text(content)
        expected = {"verdict": "aborted", "exit-code": "", "counts": "{}", "report": ""}
        assert github_action.results(tmp_path) == expected


class TestBackendsUsed:
    def test_are_the_servers_of_all_runs(self, tmp_path: Path) -> None:
        for name, image in {"a": "harness-postgres:17-0a1b", "b": "harness-mariadb:11.8-0a1b"}.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "summary.json").write_text(json.dumps({"servers": [{"image": image}]}))
        assert github_action.backends_used(tmp_path) == ["mariadb:11.8", "postgres:17"]

    def test_are_sqlite_without_servers(self, tmp_path: Path) -> None:
        (tmp_path / "summary.json").write_text('{"servers": []}')
        assert github_action.backends_used(tmp_path) == ["sqlite"]
        assert github_action.backends_used(tmp_path / "missing") == ["sqlite"]


def step(name: str, **given: str) -> subprocess.CompletedProcess[str]:
    env = environment() | variables(**given)
    return subprocess.run([sys.executable, *MODULE, name], env=env, capture_output=True, text=True, timeout=60)


def test_the_checkout_is_not_imported_from() -> None:
    for action in ("harness", "merge"):
        steps = read_yaml(ROOT / ".github" / "actions" / action / "action.yml")["runs"]["steps"]
        calls = [step["run"] for step in steps if "github_action" in step.get("run", "")]
        assert calls
        assert all(" ".join(MODULE) in call for call in calls)


def test_the_action_keeps_what_another_machine_can_use() -> None:
    steps = read_yaml(ROOT / ".github" / "actions" / "harness" / "action.yml")["runs"]["steps"]
    folder = "${{ steps.prepare.outputs.cache }}/"
    kept = "\n".join(folder + name for name in (seeds.FOLDER, history.FOLDER, "wheels"))
    paths = [step["with"]["path"].strip() for step in steps if folder in step.get("with", {}).get("path", "")]
    assert paths == [kept, kept], "restored and saved"
