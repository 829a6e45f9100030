from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.project import undeclared
from harness.protocol.events import NO_FRAMEWORK, AttemptFinished, Notice, RunAborted, RunFinished
from harness.protocol.results import Failure, Outcome
from tests.unit.host.project.conftest import write


class TestLeftOut:
    def test_files_that_are_not_read_are_named(self, tmp_path: Path) -> None:
        files = {"requirements.txt": "-r requirements/base.txt\n", "requirements/base.txt": "", "docs/x.txt": ""}
        write(tmp_path, {**files, "requirements/mysql.txt": "", "tests/requirements/optional.txt": ""})
        (line,) = undeclared.left_out(tmp_path, None)
        assert "requirements/mysql.txt, tests/requirements/optional.txt." in line
        assert "base.txt" not in line
        assert "[tool.harness] install" in line

    def test_none_if_all_are_read_or_any_can_be(self, tmp_path: Path) -> None:
        write(tmp_path, {"requirements.txt": "django\n"})
        assert list(undeclared.left_out(tmp_path, None)) == []
        assert list(undeclared.left_out(tmp_path, ["make install"])) == []

    @pytest.mark.parametrize("error", ["ModuleNotFoundError: No module named 'yaml'", "ValueError: not a number"])
    def test_a_failed_import_of_the_run_or_a_test_module_counts(self, error: str) -> None:
        failures = (Failure("error", "ImportError", "Failed to import test module: tests", f"Traceback:\n{error}"),)
        at_import, in_test = (
            AttemptFinished(test, 1, Outcome.ERRORED, 0.0, failures)
            for test in ("unittest.loader._FailedTest.shop.tests", "shop.tests.Tests.test_one")
        )
        events = RunAborted(ExitCode.PROJECT, "", evidence=error), at_import, in_test, RunFinished(1)
        is_missing = error.startswith("ModuleNotFoundError")
        assert [undeclared.lacks_a_module(event) for event in events] == [is_missing, is_missing, False, False]

    def test_a_project_of_pytest_without_it_counts(self) -> None:
        assert undeclared.lacks_a_module(Notice(NO_FRAMEWORK, "pytest.ini is there, but pytest is not installed"))
        assert not undeclared.lacks_a_module(Notice("xdist", "-n 2 is left out"))


class TestNothingNamed:
    def error(self, root: Path) -> str:
        error = undeclared.error(root)
        return f"{error.message} {error.hint}"

    @pytest.mark.parametrize(
        ("files", "command"),
        [
            (["tests/requirements/postgres.txt"], "pip install -r tests/requirements/postgres.txt"),
            (["needs/requirements/all.txt"], "pip install -r needs/requirements/all.txt"),
            ([], "pip install Django psycopg[binary]"),
        ],
    )
    def test_the_next_step_is_a_key_to_copy(self, tmp_path: Path, files: list[str], command: str) -> None:
        root = write(tmp_path / "shop", dict.fromkeys(files, ""))
        root.mkdir(exist_ok=True)
        (root / ".git").mkdir()
        assert command in self.error(root)
        assert "install = [" in self.error(root)

    def test_packages_of_tox_and_nox_are_a_key_to_copy(self, tmp_path: Path) -> None:
        tox = "[testenv]\ndeps =\n    -r reqs.txt\n    pytest>=8\n    django52: Django~=5.2.0\n    {[base]deps}\n    mock\n"
        nox = "@nox.session\ndef tests(session):\n    session.install('-e', '.', \"freezegun\")\n"
        write(tmp_path, {"tox.ini": tox, "noxfile.py": nox})
        assert 'tox.ini names packages for tests: [tool.harness] extra_install = ["pytest>=8", "mock"].' in self.error(
            tmp_path
        )
        assert 'extra_install = ["freezegun"]' in self.error(tmp_path)
        write(tmp_path, {"setup.py": ""})
        assert [line.split()[0] for line in undeclared.left_out(tmp_path, None)] == ["tox.ini", "noxfile.py"]
        assert list(undeclared.left_out(tmp_path, ["make"])) == []
