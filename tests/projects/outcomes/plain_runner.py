"""Django's own runner, which also says what came of each test in the words of ``expectations``.

Checks the expectations themselves: ``manage.py test --testrunner plain_runner.PlainRunner --exclude-tag deadly`` writes
``{test id: outcome}`` to the file that ``OUTCOMES_VERDICTS`` names.
"""

import json
import os
import re
import unittest
from pathlib import Path

from django.test.runner import DiscoverRunner

from expectations import _tests

SEVERITY = ["PASSED", "SKIPPED", "XFAILED", "XPASSED", "FAILED", "ERRORED"]
CLASS_OR_MODULE = re.compile(r"(setUpClass|tearDownClass|setUpModule|tearDownModule) \((.+)\)")


class Verdicts(unittest.TextTestResult):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.verdicts = {}
        self.skipped_as_a_whole = []

    def note(self, test, outcome):
        name = getattr(test, "test_case", test).id()
        if match := CLASS_OR_MODULE.fullmatch(name):
            if outcome == "SKIPPED":
                self.skipped_as_a_whole.append(match[2])
                return
            name = f"{match[2]}.{match[1]}"
        self.verdicts[name] = max(self.verdicts.get(name, "PASSED"), outcome, key=SEVERITY.index)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "PASSED")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "FAILED")

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "ERRORED")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "SKIPPED")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note(test, "XFAILED")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "XPASSED")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, "FAILED" if issubclass(err[0], test.failureException) else "ERRORED")


class PlainRunner(DiscoverRunner):
    def get_resultclass(self):
        return Verdicts

    def run_suite(self, suite, **kwargs):
        planned = [test.id() for test in _tests(suite)]
        result = super().run_suite(suite, **kwargs)
        for test in planned:
            if test not in result.verdicts:
                skipped = any(test.startswith(f"{whole}.") for whole in result.skipped_as_a_whole)
                result.verdicts[test] = "SKIPPED" if skipped else "NOT_RUN"
        Path(os.environ["OUTCOMES_VERDICTS"]).write_text(json.dumps(result.verdicts))
        return result
