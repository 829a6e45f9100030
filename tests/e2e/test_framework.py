"""``harness ci`` and ``harness plan`` on a project of pytest: its options, labels, and the commands that a summary prints."""

from __future__ import annotations

import json
import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

CONFTEST = """
import django
from django.conf import settings

def pytest_configure():
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
    django.setup()
"""
TESTS = """
import logging

import pytest

@pytest.mark.parametrize("word", ["it's", "two words", "a::b|c"])
def test_word(word):
    assert word == "two words"

class TestA:
    def test_b(self):
        print("noise")
        logging.getLogger("shop").warning("noise")

@pytest.mark.skip(reason="later")
def test_later():
    pass
"""
WORD = "tests/test_a.py::test_word"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without ``manage.py`` and settings, whose ``conftest.py`` configures Django."""
    root = tmp_path_factory.mktemp("framework") / "project"
    (root / "tests").mkdir(parents=True)
    (root / "tests" / "test_a.py").write_text(TESTS)
    (root / "conftest.py").write_text(CONFTEST)
    (root / "pyproject.toml").write_text('[tool.harness]\nrunner = "host"\ndb = ["sqlite"]\nparallel = 1\n')
    return root


def run(project: Path, *args: str) -> command.Ended:
    artifacts = project.parent / "artifacts"
    # the helper's own arguments would stand after --
    return command.command("ci", "--artifacts", str(artifacts), *args, artifacts=artifacts, cwd=project)


def again(ended: command.Ended) -> list[str]:
    """The arguments of the command that runs the failures again."""
    (line,) = re.findall(r"^again +harness ci (.*)$", ended.out, re.MULTILINE)
    return shlex.split(line)


class TestRun:
    def test_the_command_of_the_summary_runs_its_failures(self, project: Path) -> None:
        ended = run(project, "--", "-m", "not slow", "-p", "no:cacheprovider")
        assert ended.code == 1, ended.output
        assert "framework pytest: conftest.py, and pytest " in ended.out
        assert sum(outcome == "FAILED" for outcome in ended.outcomes.values()) == 2
        repeated = again(ended)
        assert repeated[-5:] == ["--", "-m", "not slow", "-p", "no:cacheprovider"]
        ended = run(project, *repeated)
        assert set(ended.outcomes) == {f"{WORD}[it's]", f"{WORD}[a::b|c]"}
        assert ended.code == 1

    def test_reports_name_classes_and_files_as_pytest_does(self, project: Path) -> None:
        ended = run(project, "tests.test_a")
        cases = {case.attrib["name"]: case.attrib for case in ET.parse(ended.artifacts / "junit.xml").iter("testcase")}
        assert cases["test_b"]["classname"] == "tests.test_a.TestA"
        assert cases["test_word[a::b|c]"]["classname"] == "tests.test_a"
        assert {case["file"] for case in cases.values()} == {"tests/test_a.py"}
        assert ended.summary["framework"]["name"] == "pytest"

    @pytest.mark.parametrize(
        ("label", "expected"),
        [
            (f"{WORD}[two words]", {f"{WORD}[two words]"}),
            ("tests.test_a.TestA", {"tests/test_a.py::TestA::test_b"}),
            ("tests/test_a.py:12", {"tests/test_a.py::TestA::test_b"}),
        ],
    )
    def test_a_label_names_tests(self, project: Path, label: str, expected: set[str]) -> None:
        ended = run(project, label)
        assert (ended.code, set(ended.outcomes)) == (0, expected), ended.output

    def test_a_container_has_what_such_a_project_requires(self, project: Path) -> None:
        (project / "requirements.txt").write_text("Django==5.2.19\npytest==9.2.0\npytest-django==4.14.0\n")
        ended = run(project, "--runner", "container", "tests.test_a.TestA", f"{WORD}[two words]")
        assert (ended.code, len(ended.outcomes)) == (0, 2), ended.output
        assert "configured on Django 5.2.19" in ended.out
        assert "noise" not in ended.out

    def test_the_plan_says_the_framework_and_why(self, project: Path) -> None:
        shown = command.command("plan", artifacts=project.parent, cwd=project)
        assert re.search(r"the tests are run by pytest [\d.]+: conftest.py, and pytest [\d.]+ is installed", shown.out)
        document = json.loads(command.command("plan", "--json", artifacts=project.parent, cwd=project).out)
        assert document["framework"]["name"] == "pytest"


class TestBadInput:
    @pytest.mark.parametrize(
        ("args", "code", "message"),
        [
            (["--framework", "django", "--settings", "conf", "--", "-q"], 2, "Words after -- are options of pytest"),
            (["--framework", "pytest", "--tag", "slow"], 2, "--tag is an option of Django's runner"),
            (["--exclude-tag", "slow"], 2, "--exclude-tag is an option of Django's runner"),
            (["--framework", "pytest", "--", "--pdb"], 2, "--pdb after -- needs a terminal"),
            (["tests/test_b.py"], 4, "No test matches the label 'tests/test_b.py'"),
            (["--framework", "nose"], 2, "--framework: expected one of auto, django, pytest"),
        ],
    )
    def test_it_ends_the_run_with_the_next_step(self, project: Path, args: list[str], code: int, message: str) -> None:
        ended = run(project, *args)
        assert ended.code == code, ended.output
        assert message in ended.output
        assert "Traceback" not in ended.output
