"""A library without ``manage.py``: ``harness init`` finds its script, whose tests run on a server as they run without one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

EXPECTED = {
    "checks.all_of_it.ModelChecks.test_it_has_a_title",
    "tests.test_books.BookTests.test_both_are_on_the_same_kind_of_server",
    "tests.test_books.BookTests.test_the_databases_are_two",
    "tests.test_books.BookTests.test_the_folder_for_uploads_is_there",
    "tests.test_books.CommittedTests.test_rows_are_removed_1",
    "tests.test_books.CommittedTests.test_rows_are_removed_2",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project ``shelf`` with the configuration that ``harness init`` finds."""
    project = tmp_path_factory.mktemp("bootstrap") / "shelf"
    shutil.copytree(command.PROJECTS / "shelf", project)
    written = command.command("init", artifacts=project.parent, cwd=project)
    assert written.code == 0, written.output
    assert 'bootstrap = "runtests.py"' in (project / "pyproject.toml").read_text()
    return project


def run(library: Path, *args: str, db: str = "postgres", **variables: str) -> command.Ended:
    env = command.environment(SHELF_VENDOR={"postgres": "postgresql"}.get(db, db), **variables)
    args = ("--db", db, *args)
    toml = library / "pyproject.toml"
    if "pass_env" not in toml.read_text():
        toml.write_text(toml.read_text().replace("[tool.harness]", '[tool.harness]\npass_env = ["SHELF_VENDOR"]'))
    return command.harness(*args, artifacts=library.parent / "artifacts", cwd=library, env=env)


def test_its_script_runs_the_same_tests_on_a_server(library: Path) -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    plain = subprocess.run(
        [sys.executable, "runtests.py"], cwd=library, env=environment, capture_output=True, text=True
    )
    assert plain.returncode == 0, plain.stderr
    ended = run(library)
    assert ended.code == 0, ended.output
    assert ended.outcomes == dict.fromkeys(EXPECTED, "PASSED")
    assert sum(map(int, re.findall(r"Ran (\d+) test", plain.stderr))) == len(EXPECTED)


def test_a_command_of_the_project_takes_its_place(library: Path) -> None:
    ended = run(library, "tests.test_books", "--exclude-tag", "slow", HARNESS_BOOTSTRAP="shelf-server test")
    assert ended.code == 0, ended.output
    assert set(ended.outcomes) == {each for each in EXPECTED if each.startswith("tests.")}


class TestErrors:
    def host(self, library: Path, bootstrap: str) -> command.Ended:
        return run(library, "--runner", "host", db="sqlite", HARNESS_BOOTSTRAP=bootstrap)

    def test_one_that_raises_ends_the_run_with_its_traceback(self, library: Path) -> None:
        (library / "raises.py").write_text("def main():\n    raise ValueError('no shelf')\nmain()\n")
        ended = self.host(library, "raises.py")
        assert ended.code == 4
        assert "raises.py did not come as far as Django: ValueError: no shelf" in ended.output
        assert 'raises.py", line 2, in main' in ended.output

    def test_one_that_is_not_there_gets_the_very_line(self, library: Path) -> None:
        ended = self.host(library, "run_tests.py")
        assert ended.code == 2
        assert "bootstrap names run_tests.py, and there is no such file" in ended.output
        assert 'bootstrap = "runtests.py"' in ended.output

    def test_one_that_configures_nothing_gets_the_very_lines(self, library: Path) -> None:
        (library / "nothing.py").write_text("print('nothing')\n")
        ended = self.host(library, "nothing.py")
        assert ended.code == 4
        assert "nothing.py ended without configuring Django" in ended.output
