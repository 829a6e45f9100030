"""The contents of a test's databases: its own clones with the migrated rows, and no rows of other tests."""

from pathlib import Path

import pytest

from harness.protocol.events import DatabasesReady, SlotRecycled, TemplateTimed
from tests.runner.conversation import MakeProject, RunTests

NONE = """
import unittest

class Tests(unittest.TestCase):
    def test_one(self):
        pass
"""


class TestClasses:
    @pytest.mark.parametrize(
        ("workers", "django"),
        [(2, []), (1, ["--reverse"]), (2, ["--reverse"]), (2, ["--shuffle=4"])],
    )
    def test_each_test_finds_the_rows_that_it_needs(
        self, runner: RunTests, django: tuple[str, ...], workers: int
    ) -> None:
        journal = runner("cases.test_data", workers=workers, django=django)
        assert set(journal.outcomes().values()) == {"PASSED"}, journal.outcomes()
        assert len(journal.outcomes()) == 6

    def test_classes_come_in_djangos_order(self, runner: RunTests) -> None:
        journal = runner("cases.test_data", workers=1)
        classes = [test.classname.rpartition(".")[2] for test in journal.planned]
        assert list(dict.fromkeys(classes)) == ["MigratedTests", "FlushingTests", "SerializedTests"]
        assert len(journal.all(SlotRecycled)) == 1

    def test_the_steps_of_the_template_are_timed(self, runner: RunTests) -> None:
        (timed,) = runner("cases.test_data", workers=1).all(TemplateTimed)
        names = [step.name for step in timed.steps]
        assert names[0].startswith("default: ")
        databases = [step for step in timed.steps if step.name.endswith(": database")]
        assert [step.name for step in databases] == ["default: database", "other: database"]
        first = timed.steps[0]
        assert databases[0].at <= first.at <= databases[0].at + databases[0].duration

    def test_migrated_data_is_there_again_after_a_flush(self, runner: RunTests) -> None:
        journal = runner("cases.test_data", workers=1, django=["--reverse"])
        classes = [test.classname.rpartition(".")[2] for test in journal.planned]
        if classes.index("FlushingTests") < classes.index("MigratedTests"):
            assert len(journal.all(SlotRecycled)) == 2


class TestClones:
    def test_workers_have_clones_of_their_own(self, runner: RunTests, tmp_path: Path) -> None:
        journal = runner("cases.test_clones", settings="config.files")
        stdout = {journal.final(f"{name}.test_others_are_not_seen").stdout for name in ("OneTests", "TwoTests")}
        names = {tuple(sorted(line.split()[1] for line in text.splitlines())) for text in stdout}
        assert names == {
            ("test_default_1.sqlite3", "test_other_1.sqlite3"),
            ("test_default_2.sqlite3", "test_other_2.sqlite3"),
        }

    def test_clones_are_reported_by_slot(self, runner: RunTests) -> None:
        journal = runner("cases.test_clones", settings="config.files")
        made = {
            database.alias: [Path(name).name for name in database.clones]
            for database in journal.one(DatabasesReady).databases
        }
        assert made == {
            "default": ["test_default_1.sqlite3", "test_default_2.sqlite3"],
            "other": ["test_other_1.sqlite3", "test_other_2.sqlite3"],
        }

    def test_tests_pass_on_clones_in_files(self, runner: RunTests) -> None:
        for label in ("cases.test_data", "cases.test_kinds"):
            assert set(runner(label, settings="config.files").outcomes().values()) == {"PASSED"}

    def test_mirrors_work_on_clones_in_files(self, runner: RunTests) -> None:
        journal = runner("cases.test_mirrors", settings="config.files")
        assert [name for name, outcome in journal.outcomes().items() if outcome != "PASSED"] == [
            "SharingTests.test_fails_and_shows_its_sql"
        ]


class TestFiles:
    def test_files_of_test_databases_are_removed(self, runner: RunTests, tmp_path: Path) -> None:
        runner("cases.test_data", settings="config.files")
        assert list(tmp_path.glob("*.sqlite3")) == []

    def test_files_that_are_to_be_kept_are_kept_and_never_stale(self, runner: RunTests, tmp_path: Path) -> None:
        runner("cases.test_data", settings="config.files", django=["--keepdb"])
        assert (tmp_path / "test_default.sqlite3").exists()
        again = runner("cases.test_data", settings="config.files", django=["--keepdb"])
        assert set(again.outcomes().values()) == {"PASSED"}


class TestKinds:
    def test_kinds_of_test_classes(self, runner: RunTests) -> None:
        assert runner("cases.test_kinds").outcomes() == {
            "LiveTests.test_the_server_sees_what_the_test_wrote": "PASSED",
            "AsyncTests.test_queries": "PASSED",
            "AsyncTests.test_client": "PASSED",
        }

    @pytest.mark.parametrize("settings", ["DATABASES = {}", 'DATABASES = {"default": {}}', "del DATABASES"])
    def test_a_project_without_databases_runs(self, project: MakeProject, run_project: RunTests, settings: str) -> None:
        project({"tests.py": NONE}, settings)
        assert run_project("tests").outcomes() == {"Tests.test_one": "PASSED"}
