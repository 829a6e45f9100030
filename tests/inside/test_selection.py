"""Which tests run, in which order, as Django's own options say: in parallel as well as one after the other."""

import functools

import pytest

from harness.contract.events import RunFinished, RunPlanned
from tests.inside.conftest import together

ALPHA = {"test_one", "test_two", "test_three", "test_four"}
BETA = {"test_five", "test_six"}


def names(journal):
    return {test.name for test in journal.planned}


LABELS = {
    ("selection",): ALPHA | BETA,
    ("selection.test_alpha.AlphaTests.test_one", "selection.test_alpha.PlainTests"): {"test_one", "test_four"},
    ("selection/",): ALPHA | BETA,
    ("./selection/deeper", "selection/test_alpha.py::HeavyTests"): BETA | {"test_three"},
    ("selection/test_alpha.py",): ALPHA,
    ("selection/test_alpha.py::AlphaTests::test_two",): {"test_two"},
    ("shop.CartTests",): {"test_total", "test_other"},
    ("shop.CartTests.test_total",): {"test_total"},
    ("selection.test_alpha", "selection/test_alpha.py::AlphaTests"): ALPHA,
}
OPTIONS = {
    "--tag=heavy": ({"tags": ("heavy",)}, {"test_two", "test_three"}),
    "--exclude-tag=heavy": ({"exclude_tags": ("heavy",)}, {"test_one", "test_four"} | BETA),
    "--tag=heavy --exclude-tag=rare": ({"tags": ("heavy",), "exclude_tags": ("rare",)}, {"test_two"}),
    "-k *test_f*": ({"name_patterns": ("*test_f*",)}, {"test_four", "test_five"}),
    "-k two -k Beta": ({"name_patterns": ("two", "Beta")}, {"test_two"} | BETA),
    "-p check_*.py": ({"pattern": "check_*.py"}, {"test_seven"}),
    "-p *_beta.py -t .": ({"pattern": "*_beta.py", "top_level": "."}, BETA),
    "what changes no selection": (
        {"buffer": True, "timing": True, "debug_mode": True, "verbosity": 2, "durations": 3},
        ALPHA | BETA,
    ),
}


@pytest.fixture(scope="module")
def journals(inside_once):
    by_label = {labels: functools.partial(inside_once, *labels) for labels in LABELS}
    by_option = {
        name: functools.partial(inside_once, "selection", django=options) for name, (options, _) in OPTIONS.items()
    }
    return together(by_label | by_option)


@pytest.mark.parametrize("labels", LABELS, ids=" ".join)
def test_labels(journals, labels):
    assert names(journals[labels]) == LABELS[labels]
    assert set(journals[labels].outcomes().values()) == {"PASSED"}


@pytest.mark.parametrize("option", OPTIONS)
def test_options(journals, option):
    assert names(journals[option]) == OPTIONS[option][1]
    assert set(journals[option].outcomes().values()) == {"PASSED"}


def test_tests_run_in_the_order_that_was_planned(inside):
    journal = inside("selection", workers=1)
    assert journal.order() == [test.name for test in journal.planned]


def test_reverse_turns_the_order_round_within_the_kinds_of_classes(inside):
    straight = inside("selection.test_alpha", workers=1)
    reverse = inside("selection.test_alpha", workers=1, django={"reverse": True})
    assert straight.order() == ["test_one", "test_two", "test_three", "test_four"]
    assert reverse.order() == ["test_three", "test_two", "test_one", "test_four"]


def test_a_shuffle_says_its_seed_and_gives_the_same_order_for_it(inside):
    first = inside("selection", workers=1, django={"shuffle": True})
    seed = first.one(RunPlanned).seed
    assert isinstance(seed, int)
    again = inside("selection", workers=1, django={"shuffle": True, "seed": seed})
    assert again.one(RunPlanned).seed == seed
    assert again.order() == first.order()


def test_without_a_shuffle_there_is_no_seed(inside):
    assert inside("selection.deeper").one(RunPlanned).seed is None


def test_there_are_as_many_workers_as_there_is_work_for(inside):
    assert inside("selection.deeper", workers=8).one(RunPlanned).workers == 1
    assert inside("selection", workers=2).one(RunPlanned).workers == 2


def test_no_tests_are_an_exit_code_of_their_own(inside):
    journal = inside("selection", django={"name_patterns": ("nothing",)})
    assert journal.status == 5
    assert journal.one(RunFinished).failures == 0
    assert journal.planned == []


@pytest.mark.parametrize("label", ["no.such.module", "selection.test_alpha.NoSuchTests", "selection/no_such.py"])
def test_a_label_that_names_nothing_is_a_test_that_errs(inside, label):
    journal = inside(label)
    (attempt,) = journal.attempts
    assert attempt.outcome.value == "ERRORED"
    assert journal.status == 1


def test_a_module_that_cannot_be_imported_is_a_test_that_errs(project, run_project):
    project({"tests/__init__.py": "", "tests/test_a.py": "import no_such_package", "tests/test_b.py": PASSES})
    journal = run_project()
    (failed,) = [attempt for attempt in journal.attempts if attempt.outcome.is_red]
    assert failed.outcome.value == "ERRORED"
    assert "No module named 'no_such_package'" in failed.failures[0].traceback
    assert failed.test.endswith("tests.test_a")
    assert journal.status == 1


PASSES = """
import unittest

class Tests(unittest.TestCase):
    def test_one(self):
        pass
"""


def test_a_syntax_error_is_a_test_that_errs(project, run_project):
    project({"tests.py": "def broken(:\n"})
    journal = run_project()
    assert journal.status == 1
    assert "SyntaxError" in journal.attempts[0].failures[0].traceback


ODD = """
import doctest, unittest

def doubled(number):
    \"\"\"
    >>> doubled(2)
    4
    >>> doubled(3)
    7
    \"\"\"
    return 2 * number

def function():
    pass

def make():
    class Tests(unittest.TestCase):
        def test_one(self):
            pass
    return Tests

First, Second = make(), make()

class Named(unittest.TestCase):
    def test_one(self):
        pass

    def id(self):
        return "named by itself"

def load_tests(loader, tests, pattern):
    tests.addTests(doctest.DocTestSuite(__name__))
    tests.addTest(unittest.FunctionTestCase(function))
    tests.addTest(Named("test_one"))
    return tests
"""


def test_tests_that_have_no_class_or_no_id_of_their_own_are_told_apart(project, run_project):
    project({"tests.py": ODD})
    journal = run_project("tests")
    found = {event.test: event.outcome.value for event in journal.attempts if event.final}
    assert found == {
        "tests.make.<locals>.Tests.test_one": "PASSED",
        "tests.make.<locals>.Tests.test_one#2": "PASSED",
        "tests.doubled": "FAILED",
        "function": "PASSED",
        "named by itself": "PASSED",
    }


# failfast


def test_failfast_ends_the_run_across_workers(inside):
    journal = inside("cases.test_failfast", django={"failfast": True})
    assert journal.outcomes() == {
        "FailsTests.test_1_fails": "FAILED",
        "FailsTests.test_2_never_runs": "NOT_RUN",
        "WaitsTests.test_1_is_under_way": "PASSED",
        "WaitsTests.test_2_never_runs": "NOT_RUN",
        "YetOthersTests.test_1_never_runs": "NOT_RUN",
    }
    reason = "--failfast: cases.test_failfast.FailsTests.test_1_fails FAILED"
    assert journal.final("YetOthersTests.test_1_never_runs").reason == reason
    assert journal.notices("halted") == [reason]
    assert journal.status == 1
