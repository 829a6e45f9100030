"""Several versions of Django: a run of each on every backend, with the rest of the project's dependencies as they are."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

PACKAGING = command.PROJECTS / "packaging"
REQUIREMENTS = "django==5.2.19\nsqlparse==0.5.2\n"
TESTS = """
from importlib.metadata import version

import django
from django.db import connection
from django.test import TestCase


class DjangoTests(TestCase):
    def test_the_others_stay(self):
        self.assertEqual(version("sqlparse"), "0.5.2")

    def test_fails_on_5_1(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        self.assertGreaterEqual(django.VERSION, (5, 2))
"""
NAMES = ["postgres-17-django5.1", "postgres-17-django5.2", "sqlite-django5.1", "sqlite-django5.2"]
CONFIGURED = '[tool.harness]\ndb = ["postgres:17", "sqlite"]\ndjango = ["5.1", "5.2"]\n'
REFUSED = "django-filter 25.2 requires Django>=5.2, and would get django 5.1"


def made(root: Path, requirements: str = REQUIREMENTS, tests: str = TESTS) -> Path:
    """A project in *root* whose requirements are *requirements*."""
    shutil.copytree(PACKAGING / "skeleton", root)
    (root / "requirements.txt").write_text(requirements)
    (root / "tests.py").write_text(tests)
    return root


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> command.Ended:
    """The runs of a project that names two versions of Django and two backends."""
    root = made(tmp_path_factory.mktemp("several") / "project")
    (root / "pyproject.toml").write_text(CONFIGURED)
    return command.harness(cwd=root, artifacts=root / "artifacts", timeout=540)


class TestSeveral:
    def test_each_backend_runs_on_each_django(self, several: command.Ended) -> None:
        found = {one["backend"]: (one["django"], one["verdict"]) for one in several.summary["backends"]}
        assert list(found) == NAMES, several.output
        for name, (version, verdict) in found.items():
            assert f"{name.rpartition('django')[2]}." in version
            assert verdict == ("failed" if version.startswith("5.1.") else "passed"), several.output
        assert several.code == 1
        assert sorted(path.name for path in several.artifacts.iterdir() if path.is_dir()) == NAMES

    def test_the_differences_name_the_django(self, several: command.Ended) -> None:
        (difference,) = several.summary["differences"]
        assert difference["test"] == "tests.DjangoTests.test_fails_on_5_1"
        assert {name for name, word in difference["outcomes"].items() if word == "FAILED"} == {NAMES[0], NAMES[2]}

    def test_each_report_has_the_version(self, several: command.Ended) -> None:
        for name in NAMES:
            suites = ET.parse(several.artifacts / name / "junit.xml").iter("property")
            (version,) = {each.attrib["value"] for each in suites if each.attrib["name"] == "django"}
            assert version.startswith(f"{name.rpartition('django')[2]}.")
        assert "postgres-17-django5.1" in (several.artifacts / "differences.md").read_text()

    def test_the_command_that_runs_a_failure_again_names_the_django(self, several: command.Ended) -> None:
        again = r"harness ci --db postgres:17 .*--django 5\.1 tests\.DjangoTests\.test_fails_on_5_1"
        assert re.search(again, several.out), several.out

    def test_the_runs_are_those_that_the_matrix_expects(self, several: command.Ended, tmp_path: Path) -> None:
        jobs = command.command("matrix", "--json", cwd=several.artifacts.parent, artifacts=tmp_path)
        folders = [str(several.artifacts / name) for name in NAMES]
        ended = command.command(
            *("merge", *folders, "--artifacts", str(tmp_path / "m"), "--expect", jobs.out), artifacts=tmp_path / "m"
        )
        assert ended.code == 1, ended.output
        for key in ("verdict", "counts", "differences"):
            assert ended.summary[key] == several.summary[key]

    def test_the_plan_has_the_installation_of_each(self, several: command.Ended, tmp_path: Path) -> None:
        root = several.artifacts.parent
        planned = command.command("plan", "--json", cwd=root, artifacts=tmp_path)
        document = json.loads(planned.out)
        assert sorted(document["backends"]) == NAMES
        assert list(document["dependencies_by_django"]) == ["5.1", "5.2"]
        ended = command.command("plan", "--django", "5.2", "--db", "sqlite", cwd=root, artifacts=tmp_path)
        assert "dependencies: requirements.txt (no lock; pip installs), and Django 5.2" in ended.out


def test_one_django_of_the_file_is_chosen_by_its_flag(several: command.Ended, tmp_path: Path) -> None:
    """The image of the earlier run is used again: nothing is installed."""
    flags = ("--django", "5.1", "--db", "sqlite", "tests.DjangoTests.test_the_others_stay")
    ended = command.harness(*flags, cwd=several.artifacts.parent, artifacts=tmp_path)
    assert ended.code == 0, ended.output
    assert ended.summary["django"].startswith("5.1.")
    assert ended.summary["backend"] == "sqlite-django5.1"
    assert "installing" not in ended.output


def test_a_lock_keeps_its_other_packages(tmp_path: Path) -> None:
    root = made(tmp_path / "project", tests=TESTS.replace("0.5.2", "0.6.1"))
    shutil.copytree(PACKAGING / "uv_lock", root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tests.py"))
    flags = ("--django", "5.1", "--db", "sqlite", "tests.DjangoTests.test_the_others_stay")
    ended = command.harness(*flags, cwd=root, artifacts=tmp_path / "artifacts")
    assert ended.code == 0, ended.output
    assert "dependencies: uv.lock (a lock; uv installs), and Django 5.1" in ended.output
    assert ended.summary["django"].startswith("5.1.")


def test_a_package_that_does_not_admit_the_django_is_named(tmp_path: Path) -> None:
    root = made(tmp_path / "project", "django==5.2.19\ndjango-filter==25.2\n")
    ended = command.harness("--django", "5.1", "--db", "sqlite", cwd=root, artifacts=tmp_path / "artifacts")
    assert ended.code == 4, ended.output
    assert "Django 5.1 could not be installed beside the project's other dependencies." in ended.out
    assert REFUSED in ended.out


def test_a_python_that_is_too_old_is_named_at_once(tmp_path: Path) -> None:
    root = made(tmp_path / "project")
    flags = ("--django", "6.1", "--python", "3.11", "--db", "sqlite")
    ended = command.harness(*flags, cwd=root, artifacts=tmp_path / "artifacts")
    assert ended.code == 2, ended.output
    assert "Django 6.1 requires Python 3.12 or later" in ended.out


def test_the_host_runner_takes_no_other_django(tmp_path: Path) -> None:
    root = made(tmp_path / "project")
    flags = ("--django", "4.2,5.1", "--runner", "host", "--db", "sqlite")
    ended = command.harness(*flags, cwd=root, artifacts=tmp_path / "artifacts")
    assert ended.code == 4, ended.output
    assert {one["backend"] for one in ended.summary["backends"]} == {"sqlite-django4.2", "sqlite-django5.1"}
    assert "Django 4.2 was asked for, and the tests would run on Django" in ended.out
