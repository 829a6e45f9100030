"""A runner class with ``run_tests()`` alone, and ``--testrunner``: the tests are reported as far as they can be seen."""

from __future__ import annotations

import pytest

from harness.protocol.events import RunFinished, RunPlanned
from tests.runner.conversation import Journal, MakeProject, RunTests

RUNNER = """
import unittest
from django.db import connection
from django.test.utils import setup_test_environment, teardown_test_environment

class Runner:
    def __init__(self, verbosity=1, interactive=True, failfast=False, **options):
        assert not interactive

    def run_tests(self, test_labels, extra_tests=None, **kwargs):
        setup_test_environment()
        name = connection.creation.create_test_db(verbosity=0)
        suite = unittest.defaultTestLoader.loadTestsFromNames(test_labels or ["tests"])
        result = unittest.TextTestRunner(failfast=False).run(suite)
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()
        return len(result.failures) + len(result.errors)

class RunsNothing(Runner):
    def run_tests(self, test_labels, **kwargs):
        return int(kwargs.get("count", 0))

class HasNone:
    pass
"""
TESTS = """
import unittest
from django.core import mail
from django.core.mail import send_mail
from django.db import connection
from django.test import TestCase

class ATests(TestCase):
    def test_database(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def test_mail(self):
        send_mail("a", "b", "c@d.e", ["f@g.h"])
        self.assertEqual(len(mail.outbox), 1)

    def test_fails(self):
        self.assertEqual(1, 2)

    def test_errs(self):
        raise KeyError("x")

    @unittest.skip("not today")
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    def test_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertLess(number, 2)

    def test_runs_tests_itself(self):
        class Inner(unittest.TestCase):
            def test_inner(self):
                self.fail()
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(Inner).run(result)
        self.assertEqual(len(result.failures), 1)

class BTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no broker")

    def test_never(self):
        pass
"""
OUTCOMES = {
    "ATests.test_database": "PASSED",
    "ATests.test_mail": "PASSED",
    "ATests.test_fails": "FAILED",
    "ATests.test_errs": "ERRORED",
    "ATests.test_skipped": "SKIPPED",
    "ATests.test_expected": "XFAILED",
    "ATests.test_subtests": "FAILED",
    "ATests.test_runs_tests_itself": "PASSED",
    "BTests.setUpClass": "ERRORED",
    "BTests.test_never": "NOT_RUN",
}


@pytest.fixture
def run_with(project: MakeProject, run_project: RunTests) -> RunTests:
    """Runs the suite with a class of ``RUNNER`` as ``TEST_RUNNER``."""

    def run(name: str, *labels: str, **spec: object) -> Journal:
        project({"runner.py": RUNNER, "tests.py": TESTS}, f'TEST_RUNNER = "runner.{name}"')
        return run_project(*labels, **spec)

    return run


class TestRunTestsAlone:
    def test_each_test_has_its_outcome(self, run_with: RunTests, python: str) -> None:
        journal = run_with("Runner", python=python)
        assert journal.outcomes() == OUTCOMES
        assert (journal.status, journal.one(RunFinished).failures) == (1, 5)
        assert {envelope.slot for envelope in journal.envelopes} == {0, 1}
        assert journal.final("test_fails").failures[0].frames[-1].file == "tests.py"

    def test_it_is_said_to_be_serial(self, run_with: RunTests) -> None:
        journal = run_with("Runner", "tests.ATests.test_mail", django=["--keepdb", "--verbosity=0"])
        assert journal.outcomes() == {"ATests.test_mail": "PASSED"}
        (notice,) = journal.notices("own-runner")
        assert notice.startswith("runner.Runner is no DiscoverRunner: its run_tests() runs everything in one process")
        assert notice.endswith("It has no --keepdb.")

    def test_one_that_runs_nothing_has_no_tests(self, run_with: RunTests) -> None:
        journal = run_with("RunsNothing")
        assert (journal.status, journal.planned) == (5, [])
        assert len(journal.all(RunPlanned)) == 1

    def test_a_class_without_run_tests_is_refused(self, run_with: RunTests) -> None:
        journal = run_with("HasNone")
        assert journal.status == 4
        assert journal.aborted.message == "TEST_RUNNER runner.HasNone has no run_tests()."


class TestTestrunner:
    def test_it_takes_the_place_of_the_settings(self, run_with: RunTests) -> None:
        journal = run_with("HasNone", "tests.ATests.test_mail", django=["--testrunner=runner.Runner"])
        assert journal.outcomes() == {"ATests.test_mail": "PASSED"}
        assert journal.notices("own-runner")

    def test_a_discover_runner_has_its_workers(self, run_with: RunTests) -> None:
        runner = "--testrunner=django.test.runner.DiscoverRunner"
        journal = run_with("HasNone", "tests.ATests.test_mail", django=[runner])
        assert journal.outcomes() == {"ATests.test_mail": "PASSED"}
        assert not journal.notices("own-runner")
