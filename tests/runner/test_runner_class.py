"""The project's own runner class: what it overrides still counts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.protocol.events import AttemptFinished, RunFinished, RunPlanned
from tests.runner.conversation import Journal, MakeProject, RunTests

RunWith = Callable[..., tuple[Journal, list[str]]]
"""Runs a label with a runner class, and returns the journal and the notes of the class."""


@pytest.fixture
def run_with(runner: RunTests, tmp_path: Path) -> RunWith:
    """The journal of one test that prints what it finds, and the notes of the runner class."""

    def run(
        name: str, label: str = "cases.test_settings", env_more: dict[str, str] | None = None, **options: Any
    ) -> tuple[Journal, list[str]]:
        env = {"RUNNER_CLASS": f"config.runners.{name}", **(env_more or {})}
        journal = runner(label, env=env, **options)
        notes = tmp_path / "notes"
        return journal, notes.read_text().splitlines() if notes.exists() else []

    return run


def printed(journal: Journal) -> list[str]:
    return journal.final("Tests.test_what_the_runner_changed").stdout.splitlines()


PLAIN = """
from django.test.runner import DiscoverRunner

class Runner(DiscoverRunner):
    def setup_databases(self, **kwargs):
        raise {error}
"""

TEST = """
from django.test import TestCase

class Tests(TestCase):
    def test_one(self):
        pass
"""

OWN_CALL = """
from django.test.runner import DiscoverRunner

class Runner(DiscoverRunner):
    def run_suite(self, suite, **kwargs):
        result = DiscoverRunner.run_suite(self, suite, **kwargs)
        print(result.testsRun, "run")
        return result
"""


class TestEnvironment:
    @pytest.mark.parametrize("name", ["ChangesSettings", "SetsUpAnEnvironment"])
    def test_settings_that_it_changes_are_changed_in_the_workers(self, run_with: RunWith, name: str) -> None:
        journal, _ = run_with(name)
        assert printed(journal)[0] == "changed by the runner: yes"

    def test_its_environment_is_set_up_and_torn_down_once(self, run_with: RunWith) -> None:
        assert run_with("SetsUpAnEnvironment")[1] == ["set up", "torn down"]

    def test_the_suite_that_it_builds_is_what_runs(self, run_with: RunWith) -> None:
        journal, _ = run_with("ChoosesTests")
        assert [test.name for test in journal.planned] == ["test_what_the_runner_changed"]

    def test_rows_that_it_puts_into_the_template_are_in_each_clone(self, run_with: RunWith) -> None:
        for settings, name in {"config.settings": ":memory:", "config.files": "default.sqlite3"}.items():
            journal, notes = run_with("FillsTheTemplate", settings=settings)
            assert printed(journal)[2] == "items: ['migrated', 'filled in']"
            assert notes[-1] == f"databases torn down, back at {name}"


class TestSuite:
    def test_it_sees_the_result_of_the_suite(self, run_with: RunWith) -> None:
        _, notes = run_with("RunsTheSuiteAndMore")
        assert notes == ["2 run, 1 red, successful: False"]

    def test_a_helper_of_its_own_may_run_the_suite(self, run_with: RunWith) -> None:
        _, notes = run_with("RunsTheSuiteByAHelper")
        assert notes == ["2 run"]

    def test_a_run_of_the_suite_of_its_own_is_ended(self, run_with: RunWith) -> None:
        journal, notes = run_with("WritesXml")
        assert journal.outcomes() == {"Tests.test_what_the_runner_changed": "FAILED", "SlowTests.test_slow": "PASSED"}
        assert notes == []

    def test_its_own_worker_start_gets_the_workers_number(self, run_with: RunWith, python: str) -> None:
        journal, _ = run_with("InitialisesWorkers", python=python)
        (envelope,) = [e for e in journal.envelopes if getattr(e.event, "stdout", "")]
        assert isinstance(envelope.event, AttemptFinished)
        assert envelope.event.stdout.splitlines()[0] == f"changed by the runner: worker {envelope.slot}"

    def test_defaults_of_its_own_arguments_count(self, run_with: RunWith) -> None:
        journal, _ = run_with("HasArguments")
        assert printed(journal)[0] == "changed by the runner: green"
        journal, _ = run_with("HasArguments", "selection.test_alpha")
        assert [test.name for test in journal.planned] == ["test_one", "test_four"]

    def test_a_suite_that_it_runs_twice_is_planned_and_run_twice(self, run_with: RunWith) -> None:
        journal, _ = run_with("RunsTwice")
        assert len(journal.all(RunPlanned)) == 2
        assert [test.name for test in journal.planned] == [
            "test_what_the_runner_changed",
            "test_slow",
            "test_what_the_runner_changed#2",
            "test_slow#2",
        ]
        assert set(journal.outcomes().values()) == {"FAILED", "PASSED"}
        assert journal.one(RunFinished).failures == 2
        found = [event.stdout.splitlines()[2] for event in journal.attempts if event.stdout]
        assert found == ["items: ['migrated']"] * 2

    def test_it_can_run_a_suite_twice_on_databases_in_files(self, run_with: RunWith) -> None:
        journal, _ = run_with("RunsTwice", settings="config.files")
        assert len(journal.outcomes()) == 4

    def test_a_runner_that_does_not_run_its_suite_is_red(self, run_with: RunWith) -> None:
        journal, _ = run_with("Declines")
        assert set(journal.outcomes().values()) == {"NOT_RUN"}
        reason = "the project's test runner (config.runners.Declines) did not run the suite that it had built"
        assert {attempt.reason for attempt in journal.attempts} == {reason}
        assert (journal.one(RunFinished).failures, journal.status) == (2, 1)

    def test_a_runner_that_builds_no_suite_runs_nothing(self, run_with: RunWith) -> None:
        journal, _ = run_with("ReturnsEarly")
        assert (journal.one(RunFinished).failures, journal.status, journal.planned) == (0, 5, [])

    def test_tests_added_to_the_suite_late_are_planned_and_run(self, run_with: RunWith) -> None:
        journal, notes = run_with("AddsTests", "selection.deeper")
        assert notes == ["ran"]
        assert [test.id for test in journal.planned][-1] == "config.runners.note_that_it_ran"
        assert set(journal.outcomes().values()) == {"PASSED"}


class TestResult:
    @pytest.mark.parametrize(
        ("count", "failures", "is_told"),
        [
            ("-5", 1, True),
            ("'2 failed'", 1, True),
            ("''", 0, True),
            ("None", 0, False),
            ("3", 3, False),
            ("True", 1, False),
        ],
    )
    def test_its_result_can_make_a_green_run_red(
        self, run_with: RunWith, count: str, failures: int, is_told: bool
    ) -> None:
        journal, _ = run_with("Counts", "selection.deeper", env_more={"RUNNER_COUNT": count})
        assert (journal.one(RunFinished).failures, journal.status) == (failures, 1 if failures else 0)
        assert bool(journal.notices("runner-result")) == is_told

    def test_its_result_never_hides_a_red_test(self, run_with: RunWith) -> None:
        for count in ("0", "-5", "''", "None"):
            journal, _ = run_with("Counts", env_more={"RUNNER_COUNT": count})
            assert (journal.one(RunFinished).failures, journal.status) == (1, 1)


class TestErrors:
    def test_a_class_without_run_tests_is_refused(self, run_with: RunWith) -> None:
        journal, _ = run_with("IsNone")
        assert journal.status == 4
        assert journal.aborted.message == "TEST_RUNNER config.runners.IsNone has no run_tests()."

    def test_a_class_that_is_not_there_is_the_projects_fault(self, run_with: RunWith) -> None:
        journal, _ = run_with("NoSuchClass")
        assert journal.status == 4
        assert "NoSuchClass" in journal.aborted.message

    def test_settings_see_the_arguments_of_manage_py(self, run_with: RunWith) -> None:
        journal, _ = run_with("ChangesSettings")
        assert printed(journal)[1] == "arguments: ['manage.py', 'test', 'cases.test_settings']"

    @pytest.mark.parametrize("error", ["RuntimeError('no broker')", "SystemExit(3)", "KeyError('BROKER')"])
    def test_its_exception_is_the_projects_fault_with_a_traceback(
        self, project: MakeProject, run_project: RunTests, error: str
    ) -> None:
        project({"runner.py": PLAIN.format(error=error), "tests.py": TEST}, 'TEST_RUNNER = "runner.Runner"')
        journal = run_project()
        assert journal.status == 4
        assert "runner.py" in journal.aborted.evidence
        assert "harness/runner" not in journal.aborted.evidence

    def test_djangos_run_suite_called_by_name_runs_tests_in_workers(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"runner.py": OWN_CALL, "tests.py": TEST}, 'TEST_RUNNER = "runner.Runner"')
        assert run_project().outcomes() == {"Tests.test_one": "PASSED"}
