"""Processes that end where no test runs, workers that cannot begin, and tries again."""

import re

import pytest

from harness.protocol.events import (
    AttemptSlow,
    RetryCalledOff,
    RunFinished,
    SlotRecycled,
    WorkerLost,
    WorkerStarted,
    WorkerStopped,
)
from tests.runner.conversation import Journal, MakeProject, RunTests


@pytest.fixture(scope="module")
def journal(runner_once: RunTests) -> Journal:
    return runner_once("cases.test_fixtures_that_end_processes", workers=1, timeout_s=2.0)


@pytest.fixture(scope="module")
def timeouts(runner_once: RunTests) -> Journal:
    return runner_once("cases.test_timeouts", timeout_s=2.0)


INTERRUPTED = """
from django.contrib.auth.models import Group
from django.test import TestCase, TransactionTestCase

class Tests(TestCase):
    def test_1(self):
        Group.objects.create(name="x")
        raise KeyboardInterrupt

    def test_2(self):
        self.assertFalse(Group.objects.exists())

class CommittingTests(TransactionTestCase):
    def test_1(self):
        Group.objects.create(name="x")
        raise KeyboardInterrupt

    def test_2(self):
        self.assertFalse(Group.objects.exists())
"""

DUMPS = """
import os, signal, unittest

class Tests(unittest.TestCase):
    def test_1_is_asked_for_its_stacks_and_ends_in_time(self):
        os.kill(os.getpid(), signal.SIGUSR1)

    def test_2_dies(self):
        os.abort()
"""

SLOW = """
import sys, time, unittest

sys.modules["_django_ci_harness.runner.schedule.schedule"].SLOW_S = 0.3

class Tests(unittest.TestCase):
    def test_one(self):
        time.sleep(1.5)
"""

WORKER_FAILS = """
from django.test.runner import DiscoverRunner, ParallelTestSuite

class Suite(ParallelTestSuite):
    def init_worker(*args, **kwargs):
        {statement}

class Runner(DiscoverRunner):
    parallel_test_suite = Suite
"""

TESTS = """
import unittest

class Tests(unittest.TestCase):
    def test_one(self):
        pass
"""


class TestFixtures:
    @pytest.mark.parametrize(
        ("test", "outcome"),
        [
            ("SetUpDiesTests.setUpClass", "CRASHED"),
            ("SetUpDiesTests.test_one", "NOT_RUN"),
            ("SetUpDiesTests.test_two", "NOT_RUN"),
            ("SetUpExitsTests.setUpClass", "ERRORED"),
            ("SetUpExitsTests.test_one", "NOT_RUN"),
            ("SetUpLeavesNothingTests.test_one", "PASSED"),
            ("TearDownDiesTests.test_one", "PASSED"),
            ("TearDownDiesTests.tearDownClass", "CRASHED"),
            ("TearDownExitsTests.test_one", "PASSED"),
            ("TearDownExitsTests.tearDownClass", "ERRORED"),
            ("TearDownHangsTests.test_one", "PASSED"),
            ("TearDownHangsTests.tearDownClass", "TIMED_OUT"),
            ("VeryLastTests.test_one", "PASSED"),
        ],
    )
    def test_a_fixture_that_ends_its_process_is_blamed_itself(self, journal: Journal, test: str, outcome: str) -> None:
        assert journal.final(test).outcome.value == outcome

    def test_nothing_else_is_blamed(self, journal: Journal) -> None:
        assert len(journal.outcomes()) == 13
        assert journal.status == 1

    def test_a_test_that_was_left_out_has_its_reason(self, journal: Journal) -> None:
        assert journal.final("SetUpDiesTests.test_one").reason == "setUpClass crashed"

    def test_a_fixtures_output_before_its_end_is_reported(self, journal: Journal) -> None:
        assert journal.final("TearDownDiesTests.tearDownClass").stdout == "in tearDownClass\n"

    def test_each_workers_start_and_end_are_reported(self, journal: Journal) -> None:
        started = {event.pid for event in journal.all(WorkerStarted)}
        assert len(started) == 4
        assert {event.pid for event in journal.all(WorkerLost)} | {
            event.pid for event in journal.all(WorkerStopped)
        } == started
        assert len(journal.all(SlotRecycled)) == 4

    def test_an_exit_in_a_modules_set_up_leaves_its_tests_out(self, runner: RunTests) -> None:
        journal = runner("cases.test_module_exits")
        assert journal.outcomes() == {
            "test_module_exits.setUpModule": "ERRORED",
            "FirstTests.test_one": "NOT_RUN",
            "SecondTests.test_one": "NOT_RUN",
        }

    def test_a_skip_at_the_end_changes_nothing(self, runner: RunTests) -> None:
        journal = runner("cases.test_skips_at_the_end")
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}
        assert journal.status == 0


class TestTimeouts:
    def test_a_timeout_shows_the_stacks_of_all_threads(self, timeouts: Journal) -> None:
        (failure,) = timeouts.final("test_1_waits").failures
        assert re.search(r"in wait_in_a_thread$", failure.traceback, re.MULTILINE)
        assert re.search(r"in wait_in_the_test$", failure.traceback, re.MULTILINE)
        assert re.search(r"in test_1_waits$", failure.traceback, re.MULTILINE)

    def test_the_rest_of_a_class_runs_after_a_timeout(self, timeouts: Journal) -> None:
        assert timeouts.outcomes() == {
            "Tests.test_1_waits": "TIMED_OUT",
            "Tests.test_2_after": "PASSED",
            "SetUpTests.setUpClass": "TIMED_OUT",
            "SetUpTests.test_1": "NOT_RUN",
        }
        assert timeouts.final("SetUpTests.test_1").reason == "setUpClass timed out"

    def test_a_process_left_behind_does_not_delay_the_end(self, runner: RunTests) -> None:
        journal = runner("cases.test_leaves_a_process", timeout_s=2.0)
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}
        assert journal.one(RunFinished).failures == 0
        assert journal.status == 1  # the worker had to be killed

    def test_a_test_cut_off_before_its_tear_down_spoils_no_other(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"tests.py": INTERRUPTED}, 'INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]')
        journal = run_project("tests", workers=1)
        assert journal.outcomes() == {
            "Tests.test_1": "ERRORED",
            "Tests.test_2": "PASSED",
            "CommittingTests.test_1": "ERRORED",
            "CommittingTests.test_2": "PASSED",
        }
        assert journal.final("CommittingTests.test_1").failures[0].type == "KeyboardInterrupt"
        assert [event.test for event in journal.all(WorkerLost)] == [None, None]

    def test_a_crash_shows_no_stacks_of_an_earlier_slow_test(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": DUMPS})
        (failure,) = run_project("tests").final("test_2_dies").failures
        assert "in test_2_dies" in failure.traceback
        assert "test_1" not in failure.traceback

    def test_a_slow_test_is_reported_while_it_runs(self, project: MakeProject, run_project: RunTests) -> None:
        """The threshold is ten seconds; the project of this test sets 0.3."""
        project({"tests.py": SLOW})
        journal = run_project("tests")
        slow = journal.all(AttemptSlow)
        assert {(event.test, event.n) for event in slow} == {("tests.Tests.test_one", 1)}
        assert [event.elapsed for event in slow] == sorted(event.elapsed for event in slow)
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}


class TestStarts:
    def test_an_error_at_a_workers_start_ends_the_run(self, project: MakeProject, run_project: RunTests) -> None:
        project(
            {"runner.py": WORKER_FAILS.format(statement="raise RuntimeError('no broker')"), "tests.py": TESTS},
            'TEST_RUNNER = "runner.Runner"',
        )
        journal = run_project()
        assert journal.status == 4
        assert "could not start: RuntimeError: no broker" in journal.aborted.message
        assert "in init_worker" in journal.aborted.evidence

    def test_a_worker_that_dies_at_each_start_ends_the_run(self, project: MakeProject, run_project: RunTests) -> None:
        project(
            {"runner.py": WORKER_FAILS.format(statement="import os; os._exit(9)"), "tests.py": TESTS},
            'TEST_RUNNER = "runner.Runner"',
        )
        journal = run_project()
        assert journal.status == 4
        assert journal.aborted.message == "The worker of slot 1 died 3 times before it could begin."
        assert {lost.fault for lost in journal.all(WorkerLost)} == {"project"}
        assert journal.all(RunFinished) == []

    def test_a_worker_that_is_stopped_while_it_starts_goes_on(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        stop = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
        project(
            {"runner.py": WORKER_FAILS.format(statement=stop), "tests.py": TESTS},
            'TEST_RUNNER = "runner.Runner"',
        )
        journal = run_project()
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}
        assert len(journal.all(WorkerStopped)) == 1
        assert journal.all(WorkerLost) == []


class TestRetries:
    def test_failed_tests_are_retried_at_the_end_by_fresh_workers(self, runner: RunTests) -> None:
        journal = runner("cases.test_tries.FlakyTests", retries=2)
        assert journal.outcomes() == {
            "FlakyTests.test_1_fails_once": "PASSED",
            "FlakyTests.test_2_dies_once": "PASSED",
            "FlakyTests.test_3_always_fails": "FAILED",
            "FlakyTests.test_4_passes": "PASSED",
        }
        tries = [
            (event.test.rpartition(".")[2], event.n, event.outcome.value, event.final) for event in journal.attempts
        ]
        assert tries == [
            ("test_1_fails_once", 1, "FAILED", False),
            ("test_2_dies_once", 1, "CRASHED", False),
            ("test_3_always_fails", 1, "FAILED", False),
            ("test_4_passes", 1, "PASSED", True),
            ("test_1_fails_once", 2, "PASSED", True),
            ("test_2_dies_once", 2, "PASSED", True),
            ("test_3_always_fails", 2, "FAILED", False),
            ("test_3_always_fails", 3, "FAILED", True),
        ]
        first, second = [event.stdout for event in journal.attempts if "test_1" in event.test]
        assert first != second, "the same process tried twice"
        assert journal.status == 1
        assert journal.one(RunFinished).failures == 1

    def test_many_failures_are_not_retried(self, runner: RunTests) -> None:
        journal = runner("cases.test_tries.ManyTests", retries=1)
        assert journal.status == 1
        assert journal.one(RunFinished).failures == 12
        assert journal.notices("retries-called-off") == ["12 tests were not tried again: too many failed (12 of 12)."]
        assert {event.n for event in journal.attempts} == {1}
        settled = {event.test: event.outcome for event in journal.all(RetryCalledOff)}
        assert settled == {event.test: event.outcome for event in journal.attempts}
