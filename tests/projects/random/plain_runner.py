"""A test runner of plain Django that records each call of unittest, in order, as JSON in the file that RANDOM_RECORD names."""

import io
import json
import os
import sys
import unittest
from unittest.suite import _ErrorHolder

from django.test.runner import DiscoverRunner
from django.test.utils import iter_test_cases

RECORD = {"planned": [], "tests": {}, "fixtures": [], "output": {}}
IDS = {}  # of the tests by their address: they are kept, so none is given twice
KEPT = []


def told(error):
    cls = error[0]
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    return [name, str(error[1])]


def name_of(test):
    """The test's id; that of a function lacks its module."""
    function = getattr(test, "_testFunc", None)
    return f"{function.__module__}.{function.__qualname__}" if function else test.id()


class RecordingResult(unittest.TextTestResult):
    streams = None

    def startTest(self, test):
        super().startTest(test)
        self.streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()

    def stopTest(self, test):
        RECORD["output"][IDS[id(test)]] = [sys.stdout.getvalue(), sys.stderr.getvalue()]
        sys.stdout, sys.stderr = self.streams
        super().stopTest(test)

    def note(self, test, kind, subtest="", of=("", "")):
        if isinstance(test, _ErrorHolder):
            RECORD["fixtures"].append([str(test), kind, *of])
        else:
            RECORD["tests"][IDS[id(test)]].append([kind, subtest, *of])

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "success")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failure", of=told(err))

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "error", of=told(err))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        case = getattr(test, "test_case", None)
        self.note(case or test, "subtest skip" if case else "skip", of=("", str(reason)))

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note(test, "expected failure", of=told(err))

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "unexpected success")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            kind = "failure" if issubclass(err[0], test.failureException) else "error"
            self.note(test, kind, subtest._subDescription(), told(err))


class RecordingRunner(DiscoverRunner):
    def get_resultclass(self):
        return RecordingResult

    def run_suite(self, suite, **kwargs):
        for test in iter_test_cases(suite):
            KEPT.append(test)
            name, number = name_of(test), 2
            while name in RECORD["tests"]:
                name, number = f"{name_of(test)}#{number}", number + 1
            IDS[id(test)] = name
            RECORD["planned"].append(name)
            RECORD["tests"][name] = []
        result = super().run_suite(suite, **kwargs)
        with open(os.environ["RANDOM_RECORD"], "w") as file:
            json.dump(RECORD, file)
        return result
