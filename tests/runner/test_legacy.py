"""Suites as Django up to 1.5 had them: tests beside models, ``suite()``, doctests, and the labels of all three."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from tests.runner.conftest import together
from tests.runner.conversation import Journal, MakeProject, RunTests

MODELS = '''"""The zoo.

>>> 1 + 1
2
"""
import unittest
from django.db import models

class Animal(models.Model):
    """An animal.

    >>> Animal.objects.create(name="owl").name
    'owl'
    >>> Animal.objects.count()
    1
    """
    name = models.CharField(max_length=9)

    class Meta:
        app_label = "zoo"

def classify(weight):
    """
    >>> classify(1)
    'light'
    >>> classify(2)
    'heavy'
    """
    return "light"

class Classifier:
    def run(self):
        """
        >>> Classifier().run()
        <zoo.models.Classifier object at ...>
        """
        return self

__test__ = {"limits": """
>>> Animal.objects.count()
0
"""}

class ModelTests(unittest.TestCase):
    def test_one(self):
        pass

    def test_two(self):
        pass
'''
TESTS = '''
import unittest
from django.test import TestCase
from zoo.models import Animal

class ZooTests(TestCase):
    def test_zoo(self):
        self.assertEqual(Animal.objects.count(), 0)

class ChosenTests(unittest.TestCase):
    def test_chosen(self):
        pass

def function():
    assert suite

def helper():
    """
    >>> helper() is None
    True
    """

def suite():
    return unittest.TestSuite([ChosenTests("test_chosen"), unittest.FunctionTestCase(function)])
'''
FILES = {"apps/__init__.py": "", "zoo/__init__.py": "", "zoo/models.py": MODELS, "zoo/tests.py": TESTS}
INSTALLED = 'INSTALLED_APPS = ["zoo"]'

DISCOVERED = {"zoo.tests.ZooTests.test_zoo", "zoo.tests.ChosenTests.test_chosen"}
SUITE = {"zoo.tests.ChosenTests.test_chosen", "zoo.tests.function"}
BESIDE_MODELS = {"zoo.models.ModelTests.test_one", "zoo.models.ModelTests.test_two"}
OF_MODELS = {
    "zoo.models.__doc__",
    "zoo.models.Animal",
    "zoo.models.classify",
    "zoo.models.Classifier.run",
    "zoo.models.__test__.limits",
}
DOCTESTS = {*OF_MODELS, "zoo.tests.helper"}


def ids(journal: Journal) -> set[str]:
    return {test.id for test in journal.planned}


RUNS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing is asked for": ({}, DISCOVERED),
    "legacy discovery": ({"legacy_discovery": True}, BESIDE_MODELS | SUITE),
    "doctests": ({"doctest": True}, DISCOVERED | DOCTESTS),
    "both": ({"legacy_discovery": True, "doctest": True}, BESIDE_MODELS | SUITE | DOCTESTS),
    "a pattern": ({"doctest": True, "django": ["-k=Animal"]}, {"zoo.models.Animal"}),
    "a tag": ({"legacy_discovery": True, "doctest": True, "django": ["--tag=slow"]}, set()),
}
LABELS = {
    "zoo.ModelTests": BESIDE_MODELS,
    "zoo.ModelTests.test_one": {"zoo.models.ModelTests.test_one"},
    "zoo.ZooTests": {"zoo.tests.ZooTests.test_zoo"},
    "zoo.classify": {"zoo.models.classify"},
    "zoo.Classifier": {"zoo.models.Classifier.run"},
    "zoo.Classifier.run": {"zoo.models.Classifier.run"},
    "zoo.limits": {"zoo.models.__test__.limits"},
    "zoo.helper": {"zoo.tests.helper"},
    **{doctest: {doctest} for doctest in DOCTESTS},
}


class TestDiscovery:
    @pytest.mark.parametrize("name", RUNS)
    def test_options_decide_which_tests_there_are(self, project: MakeProject, run_project: RunTests, name: str) -> None:
        spec, expected = RUNS[name]
        project(FILES, INSTALLED)
        assert ids(run_project(**spec)) == expected

    def test_each_django_runs_them(self, project: MakeProject, run_project: RunTests, python: str) -> None:
        project(FILES, INSTALLED)
        journal = run_project(python=python, legacy_discovery=True, doctest=True)
        outcomes = {event.test: event.outcome.value for event in journal.attempts}
        assert outcomes.pop("zoo.models.classify") == "FAILED"
        assert set(outcomes.values()) == {"PASSED"}

    def test_a_label_of_the_app_or_its_folder_takes_them(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES, INSTALLED)
        both = functools.partial(run_project, legacy_discovery=True, doctest=True)
        every = BESIDE_MODELS | SUITE | DOCTESTS
        found = together({label: functools.partial(both, label) for label in ("zoo", "./zoo", "zoo.models", "apps")})
        expected = {"zoo": every, "./zoo": every, "zoo.models": BESIDE_MODELS | OF_MODELS, "apps": set()}
        assert {label: ids(journal) for label, journal in found.items()} == expected

    def test_a_doctest_that_load_tests_adds_runs_once(self, project: MakeProject, run_project: RunTests) -> None:
        load = "\nimport doctest\ndef load_tests(loader, tests, pattern):\n    return doctest.DocTestSuite()\n"
        project({**FILES, "zoo/tests.py": TESTS + load}, INSTALLED)
        assert ids(run_project("zoo.tests", doctest=True)) == {"zoo.tests.helper"}

    def test_a_docstring_that_cannot_be_read_is_named(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": 'def broken():\n    """\n    >>> 1\n  2\n    """\n'})
        journal = run_project(doctest=True)
        assert journal.status == 4
        assert journal.aborted.message.startswith("The doctests of tests cannot be read: ValueError: line 3")


class TestLabels:
    def test_old_labels_need_no_option(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES, INSTALLED)
        journals = together({label: functools.partial(run_project, label) for label in LABELS})
        assert {label: ids(journal) for label, journal in journals.items()} == LABELS

    def test_a_function_of_a_suite_is_a_label(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES, INSTALLED)
        journal = run_project("zoo.tests.function", legacy_discovery=True)
        assert [(test.id, test.file, test.line) for test in journal.planned] == [
            ("zoo.tests.function", "zoo/tests.py", 14)
        ]

    @pytest.mark.parametrize(
        ("label", "near"),
        [("zoo.clasify", "zoo.models.classify"), ("zoo.ModelTest", "zoo.ModelTests"), ("zo.classify", "zoo")],
    )
    def test_a_typo_is_an_error_with_near_names(
        self, project: MakeProject, run_project: RunTests, label: str, near: str
    ) -> None:
        project(FILES, INSTALLED)
        journal = run_project(label)
        assert (journal.status, journal.planned) == (4, [])
        assert journal.aborted.message == f"No test matches the label {label!r}."
        assert near in journal.aborted.hint


class TestDoctests:
    def test_the_failing_example_is_message_and_place(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES, INSTALLED)
        journal = run_project("zoo.classify")
        (test,), (failure,) = journal.planned, journal.final("classify").failures
        assert (test.classname, test.name, test.file, test.line) == ("zoo.models", "classify", "zoo/models.py", 23)
        assert failure.message == "Failed example:\n    classify(2)\nExpected:\n    'heavy'\nGot:\n    'light'"
        assert [(frame.file, frame.line) for frame in failure.frames] == [("zoo/models.py", 26)]
        assert failure.brief[0].text == "zoo/models.py:26: classify(2)"

    def test_each_is_rolled_back(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES, INSTALLED)
        journal = run_project("zoo.Animal", "zoo.limits", "zoo.ZooTests", workers=1, repeat=2)
        assert set(journal.outcomes().values()) == {"PASSED"}

    def test_a_project_without_databases_has_them_too(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": 'def one():\n    """\n    >>> one()\n    1\n    """\n    return 1\n'}, "DATABASES = {}")
        assert run_project(doctest=True).outcomes() == {"tests.one": "PASSED"}
