"""Several backends in one command: a run each, one report, one exit code; and nothing is left, whatever ends it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests import junit_check
from tests.e2e import command
from tests.e2e.test_bad_input import project  # noqa: F401 - a fixture
from tests.e2e.test_github import commands
from tests.signals import DEFAULT_SIGNALS
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

BACKENDS = ("postgres:17", "mysql:9.7", "mariadb:11.8", "sqlite")
NAMES = tuple(backend.replace(":", "-") for backend in BACKENDS)
TWO = ("--db", "postgres:17", "--db", "sqlite")
PATIENCE_S = 60

TESTS = """
import os
import sys
import time
import unittest
from pathlib import Path
from django.db import connection
from django.test import TestCase

class ShopTests(TestCase):
    def test_alike(self):
        pass

    def test_fails_on_sqlite(self):
        self.assertEqual(connection.vendor, "postgresql", "::error::no")

    @unittest.skipUnless(connection.vendor == "sqlite", "only files")
    def test_skipped_elsewhere(self):
        pass

    def test_waits_if_it_is_reported_to(self):
        if os.environ.get("WAIT"):
            Path(os.environ["WAIT"], connection.vendor).touch()
            time.sleep(600)
"""


def flags() -> list[str]:
    return [word for backend in BACKENDS for word in ("--db", backend)]


@pytest.fixture
def shop(project: Path) -> Path:  # noqa: F811 - the fixture
    (project / "shop" / "tests.py").write_text(TESTS)
    # by this the servers of this test are told from those of whatever else runs
    with (project / "settings.py").open("a") as settings:
        settings.write(f'DATABASES["default"]["USER"] = "{user_of(project)}"\n')
    return project


def user_of(shop: Path) -> str:
    return f"shop_{hashlib.sha256(str(shop).encode()).hexdigest()[:8]}"


def run(shop: Path, *args: str, env: dict[str, str] | None = None) -> command.Ended:
    return command.harness(
        "--project", str(shop), "--runner", "host", *args, artifacts=shop.parent / "artifacts", env=env
    )


def start(shop: Path, *args: str) -> tuple[subprocess.Popen[str], Path]:
    """The command, with every run in a test that waits."""
    waiting = shop.parent / "waiting"
    waiting.mkdir()
    process = subprocess.Popen(
        [
            *(*DEFAULT_SIGNALS, sys.executable, "-m", "harness", "ci", "--project", str(shop)),
            *("--runner", "host", "--parallel", "1"),
            *(*args, "--artifacts", str(shop.parent / "artifacts")),
        ],
        cwd=command.ROOT,
        env=command.environment(WAIT=str(waiting)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process, waiting


def of_run(name: str) -> dict[str, str]:
    """The outcomes that the fixture project's tests carry on a backend."""
    folder = command.PROJECTS / "outcomes"
    expected: dict[str, str] = json.loads((folder / "expected.json").read_text())
    other: dict[str, str] = json.loads((folder / "expected_on.json").read_text()).get(name.partition("-")[0], {})
    return expected | other


# --- the fixture projects


@pytest.fixture(scope="module")
def storefront(tmp_path_factory: pytest.TempPathFactory) -> command.Ended:
    artifacts = tmp_path_factory.mktemp("storefront") / "artifacts"
    return command.harness(*flags(), "--project", "tests/projects/storefront", artifacts=artifacts, timeout=540)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> command.Ended:
    artifacts = tmp_path_factory.mktemp("outcomes") / "artifacts"
    return command.harness(*flags(), "--project", "tests/projects/outcomes", artifacts=artifacts, timeout=540)


class TestStorefront:
    def test_is_green_on_every_backend(self, storefront: command.Ended) -> None:
        assert storefront.code == 0, storefront.output
        assert [(one["backend"], one["verdict"]) for one in storefront.summary["backends"]] == [
            (name, "passed") for name in NAMES
        ]

    def test_every_test_passes_or_is_skipped_for_a_reason(self, storefront: command.Ended) -> None:
        for one in storefront.summary["backends"]:
            counts = one["counts"]
            assert counts["passed"] + counts["skipped"] == counts["planned"] >= 300
        skipped = [each for each in storefront.summary["differences"] if each["kind"] == "skipped"]
        assert all(each["said"] for each in skipped)
        assert any("RealReplicaTests" in each["test"] for each in skipped)

    def test_each_junit_and_that_of_the_whole_are_read_alike(self, storefront: command.Ended) -> None:
        folder = storefront.artifacts
        whole = junit_check.check(folder / "junit.xml")
        each = [junit_check.check(folder / name / "junit.xml") for name in NAMES]
        assert whole == tuple(map(sum, zip(*each, strict=True)))

    def test_the_suites_names_carry_the_backend(self, storefront: command.Ended) -> None:
        suites = [suite.attrib["name"] for suite in ET.parse(storefront.artifacts / "junit.xml").iter("testsuite")]
        assert len(suites) == len(set(suites))
        assert {next(name for name in NAMES if suite.startswith(f"{name}.")) for suite in suites} == set(NAMES)


class TestOutcomes:
    def test_exits_with_one(self, outcomes: command.Ended) -> None:
        assert outcomes.code == 1, outcomes.output[-3000:]

    @pytest.mark.parametrize("name", NAMES)
    def test_every_test_has_its_expected_outcome_on_each_backend(self, outcomes: command.Ended, name: str) -> None:
        run = command.Ended(outcomes.code, "", "", outcomes.artifacts / name)
        assert run.outcomes == of_run(name)

    def test_the_differences_are_those_that_the_fixture_carries(self, outcomes: command.Ended) -> None:
        expected = {name: of_run(name) for name in NAMES}
        differing = {test for test in expected[NAMES[0]] if len({expected[name][test] for name in NAMES}) > 1}
        told = {each["test"]: each["outcomes"] for each in outcomes.summary["differences"] if each["kind"] != "slower"}
        assert told == {test: {name: expected[name][test] for name in NAMES} for test in differing}

    def test_real_parsers_agree_on_the_junit(self, outcomes: command.Ended) -> None:
        expected = [word for name in NAMES for word in of_run(name).values()]
        counts = junit_check.check(outcomes.artifacts / "junit.xml")
        assert (counts.total, counts.passed) == (len(expected), expected.count("PASSED"))

    def test_the_sql_of_a_test_is_found_from_the_whole(self, outcomes: command.Ended) -> None:
        text = (outcomes.artifacts / "junit.xml").read_text()
        attachments = [part.partition("]]")[0] for part in text.split("[[ATTACHMENT|")[1:]]
        assert {path.partition("/")[0] for path in attachments} == set(NAMES)
        assert all((outcomes.artifacts / path).is_file() for path in attachments)

    def test_merging_the_runs_again_says_the_same(self, outcomes: command.Ended, tmp_path: Path) -> None:
        folders = [str(outcomes.artifacts / name) for name in NAMES]
        ended = command.command("merge", *folders, "--artifacts", str(tmp_path / "m"), artifacts=tmp_path / "m")
        assert ended.code == 1
        for key in ("verdict", "counts", "differences", "phases"):
            assert ended.summary[key] == outcomes.summary[key]


# --- what may go wrong


def test_the_table_of_differences_is_printed_and_kept(shop: Path) -> None:
    ended = run(shop, *TWO)
    assert ended.code == 1, ended.output
    assert "fails on some backends only (1)" in ended.out
    assert "skipped on some backends only (1)" in ended.out
    kinds = {each["test"].rpartition(".")[2]: each["kind"] for each in ended.summary["differences"]}
    assert kinds == {"test_fails_on_sqlite": "fails", "test_skipped_elsewhere": "skipped"}
    assert "Fails on some backends only" in (ended.artifacts / "differences.md").read_text()


def test_the_others_run_if_one_backend_cannot_start(shop: Path) -> None:
    (shop / "pyproject.toml").write_text('[tool.harness.servers.postgres]\nimage = "not-there.invalid/postgres:1"\n')
    ended = run(shop, *TWO)
    assert ended.code == 3, ended.output
    found = {one["backend"]: (one["verdict"], one["counts"]["planned"]) for one in ended.summary["backends"]}
    assert found["sqlite"] == ("failed", 4)
    assert found["postgres-17"][0] == "aborted"
    assert "postgres-17: ServerError" in ended.out
    assert ended.summary["exit_code"] == 3


def test_a_run_without_a_journal_is_reported_by_its_output(shop: Path) -> None:
    folder = shop.parent / "artifacts" / "sqlite"
    folder.mkdir(parents=True)
    (folder / "junit.xml").write_text("of somebody else's")
    ended = run(shop, *TWO)
    assert ended.code == 2, ended.output
    assert f"sqlite: UsageError: The artifacts folder {folder} holds a junit.xml" in ended.out
    assert "Choose another folder with --artifacts DIR" in ended.out
    assert junit_check.check(ended.artifacts / "junit.xml").bad == 1


def test_github_is_reported_once(shop: Path, tmp_path: Path) -> None:
    env = command.environment(GITHUB_ACTIONS="true", CI="true", GITHUB_STEP_SUMMARY=str(tmp_path / "step.md"))
    ended = run(shop, *TWO, env=env)
    found = commands(ended.out)
    assert [line.partition(" ")[0] for line in found] == ["::error"]
    assert "test_fails_on_sqlite (sqlite)" in found[0]
    text = (tmp_path / "step.md").read_text()
    assert text == (ended.artifacts / "differences.md").read_text()
    assert text.count("## ") == text.count("### ") + 1


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_an_interrupt_ends_every_run_in_order(shop: Path, signum: int, code: int) -> None:
    process, waiting = start(shop, *TWO)
    wait_for(lambda: len(list(waiting.iterdir())) == 2 or process.poll() is not None, "the tests have begun")
    process.send_signal(signum)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, out
    summary = json.loads((shop.parent / "artifacts" / "summary.json").read_text())
    assert (summary["verdict"], summary["exit_code"]) == ("interrupted", code)
    assert {one["exit_code"] for one in summary["backends"]} == {code}
    assert not command.runs_of(user_of(shop))


def test_what_had_not_begun_when_the_interrupt_came_is_missing(shop: Path) -> None:
    process, waiting = start(shop, *TWO, "--parallel", str(os.cpu_count()))
    wait_for(lambda: list(waiting.iterdir()) or process.poll() is not None, "a test has begun")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, out
    summary = json.loads((shop.parent / "artifacts" / "summary.json").read_text())
    assert summary["missing"] == [{"name": "sqlite", "why": "interrupted before it began"}]
    assert [one["backend"] for one in summary["backends"]] == ["postgres-17"]


def test_the_runs_end_with_the_command_whatever_ends_it(shop: Path) -> None:
    process, waiting = start(shop, *TWO)
    wait_for(lambda: len(list(waiting.iterdir())) == 2 or process.poll() is not None, "the tests have begun")
    assert process.poll() is None
    assert command.runs_of(user_of(shop))
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    folder = shop.parent / "artifacts"
    wait_for(
        lambda: all((folder / name / "summary.json").is_file() for name in ("postgres-17", "sqlite")),
        "the runs go on without the command",
    )
    wait_for(lambda: not command.runs_of(user_of(shop)), "no server is left behind")
    assert json.loads((folder / "sqlite" / "summary.json").read_text())["exit_code"] == 143


# --- several engines in one run

MIXED = """
import pymysql
pymysql.install_as_MySQLdb()
DATABASES["legacy"] = {"ENGINE": "django.db.backends.mysql", "NAME": "legacy", "HOST": "legacy-db"}
DATABASES["analytics"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "analytics.sqlite3"}
"""
MIXED_TESTS = """
from django.db import connections
from django.test import TransactionTestCase

class MixedTests(TransactionTestCase):
    databases = {"default", "legacy", "analytics"}

    def test_each_alias_is_where_it_is_asked_to_be(self):
        for alias in sorted(self.databases):
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
                print(alias, connections[alias].display_name)
        self.fail("to see what was printed")
"""


@pytest.mark.parametrize(
    ("db", "expected", "backend"),
    [
        ((), {"default": "PostgreSQL", "legacy": "MySQL", "analytics": "SQLite"}, "settings"),
        (("sqlite",), {"default": "SQLite", "legacy": "SQLite", "analytics": "SQLite"}, "sqlite"),
        (
            ("legacy=mariadb:11.8", "default=sqlite"),
            {"default": "SQLite", "legacy": "MariaDB", "analytics": "SQLite"},
            "legacy-mariadb-11.8-default-sqlite",
        ),
    ],
    ids=["as set", "all", "by alias"],
)
def test_a_project_of_several_engines_runs_as_it_is_asked_to(
    project: Path,  # noqa: F811 - the fixture
    db: tuple[str, ...],
    expected: dict[str, str],
    backend: str,
) -> None:
    with (project / "settings.py").open("a") as settings:
        settings.write(MIXED)
    (project / "shop" / "tests.py").write_text(MIXED_TESTS)
    ended = run(project, *[word for spec in db for word in ("--db", spec)])
    assert ended.code == 1, ended.output
    (case,) = ended.report.cases
    printed = dict(line.split() for line in case.attempts[0].stdout.splitlines())
    assert printed == expected
    assert ended.summary["backend"] == backend
