"""Runner classes as projects have them."""

import os
import unittest
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test.runner import DiscoverRunner, ParallelTestSuite, _init_worker


def note(text):
    """Say to whoever started the run that *text* happened, where RUNNER_DIR is."""
    with (Path(os.environ["RUNNER_DIR"]) / "notes").open("a") as file:
        file.write(f"{text}\n")


class ChangesSettings(DiscoverRunner):
    def __init__(self, *args, **kwargs):
        settings.CHANGED_BY_RUNNER = "yes"
        super().__init__(*args, **kwargs)


class SetsUpAnEnvironment(DiscoverRunner):
    def setup_test_environment(self, **kwargs):
        super().setup_test_environment(**kwargs)
        settings.CHANGED_BY_RUNNER = "yes"
        note("set up")

    def teardown_test_environment(self, **kwargs):
        super().teardown_test_environment(**kwargs)
        note("torn down")


class ChoosesTests(DiscoverRunner):
    """Leaves out the tests whose names say that they are slow."""

    def build_suite(self, *args, **kwargs):
        suite = super().build_suite(*args, **kwargs)
        return unittest.TestSuite(test for test in suite if "slow" not in test.id())


class FillsTheTemplate(DiscoverRunner):
    def setup_databases(self, **kwargs):
        old_config = super().setup_databases(**kwargs)
        from shop.models import Item

        Item.objects.create(name="filled in")
        return old_config

    def teardown_databases(self, old_config, **kwargs):
        super().teardown_databases(old_config, **kwargs)
        note(f"databases torn down, back at {Path(connection.settings_dict['NAME']).name}")


class RunsTheSuiteByAHelper(DiscoverRunner):
    def run_suite(self, suite, **kwargs):
        result = self.run_it(suite)
        note(f"{result.testsRun} run")
        return result

    def run_it(self, suite):
        return super().run_suite(suite)


class RunsTheSuiteAndMore(DiscoverRunner):
    def run_suite(self, suite, **kwargs):
        result = super().run_suite(suite, **kwargs)
        note(f"{result.testsRun} run, {len(result.failures)} red, successful: {result.wasSuccessful()}")
        return result


class WritesXml(DiscoverRunner):
    """As the XML runners do it: the suite is run here, by a runner of their own."""

    def run_suite(self, suite, **kwargs):
        result = unittest.TextTestRunner(resultclass=self.get_resultclass()).run(suite)
        note("ran the suite itself")
        return result


class OwnSuite(ParallelTestSuite):
    def init_worker(*args, **kwargs):
        _init_worker(*args, **kwargs)
        from django.test.runner import _worker_id

        settings.CHANGED_BY_RUNNER = f"worker {_worker_id}"


class InitialisesWorkers(DiscoverRunner):
    parallel_test_suite = OwnSuite


class HasArguments(DiscoverRunner):
    def __init__(self, *args, colour=None, **kwargs):
        super().__init__(*args, **kwargs)
        settings.CHANGED_BY_RUNNER = colour

    @classmethod
    def add_arguments(cls, parser):
        super().add_arguments(parser)
        parser.add_argument("--colour", default="green")
        parser.set_defaults(exclude_tags=["heavy"])


class RunsTwice(DiscoverRunner):
    def run_tests(self, test_labels, **kwargs):
        return super().run_tests(test_labels, **kwargs) + super().run_tests(test_labels, **kwargs)


class Declines(DiscoverRunner):
    """Runs its suite under a condition that does not hold."""

    def run_suite(self, suite, **kwargs):
        return super().run_suite(suite, **kwargs) if "RUNNER_RUN" in os.environ else unittest.TestResult()


class ReturnsEarly(DiscoverRunner):
    def run_tests(self, test_labels, **kwargs):
        return 0 if test_labels else super().run_tests(test_labels, **kwargs)


class AddsTests(DiscoverRunner):
    def run_suite(self, suite, **kwargs):
        suite.addTest(unittest.FunctionTestCase(note_that_it_ran))
        return super().run_suite(suite, **kwargs)


def note_that_it_ran():
    note("ran")


class Counts(DiscoverRunner):
    def suite_result(self, suite, result, **kwargs):
        return eval(os.environ["RUNNER_COUNT"])


class SwallowsEverything(DiscoverRunner):
    def run_tests(self, test_labels, **kwargs):
        try:
            return super().run_tests(test_labels, **kwargs)
        except Exception:
            return 0


class IsNone:
    pass
