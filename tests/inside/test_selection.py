"""Which tests run, in which order, as Django's own options say: in parallel as well as one after the other."""

import pytest

from harness.contract.events import RunFinished, RunPlanned

ALPHA = {"test_one", "test_two", "test_three", "test_four"}
BETA = {"test_five", "test_six"}


def names(journal):
    return {test.name for test in journal.planned}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["selection"], ALPHA | BETA),
        (["selection.test_alpha"], ALPHA),
        (["selection.test_alpha.AlphaTests"], {"test_one", "test_two"}),
        (["selection.test_alpha.AlphaTests.test_one"], {"test_one"}),
        (["selection.deeper", "selection.test_alpha.PlainTests"], BETA | {"test_four"}),
        (["selection/"], ALPHA | BETA),
        (["selection/deeper"], BETA),
        (["./selection/deeper"], BETA),
        (["selection/test_alpha.py"], ALPHA),
        (["./selection/test_alpha.py"], ALPHA),
        (["selection/test_alpha.py::AlphaTests"], {"test_one", "test_two"}),
        (["selection/test_alpha.py::AlphaTests::test_two"], {"test_two"}),
        (["selection.test_alpha::HeavyTests"], {"test_three"}),
        (["shop.CartTests"], {"test_total", "test_other"}),
        (["shop.CartTests.test_total"], {"test_total"}),
        (["selection.test_alpha", "selection/test_alpha.py::AlphaTests"], ALPHA),
    ],
)
def test_labels(inside, labels, expected):
    journal = inside(*labels)
    assert names(journal) == expected
    assert set(journal.outcomes().values()) == {"PASSED"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tags": ("heavy",)}, {"test_two", "test_three"}),
        ({"tags": ("rare",)}, {"test_three"}),
        ({"exclude_tags": ("heavy",)}, {"test_one", "test_four"} | BETA),
        ({"tags": ("heavy",), "exclude_tags": ("rare",)}, {"test_two"}),
        ({"name_patterns": ("test_f*",)}, {"test_four", "test_five"}),
        ({"name_patterns": ("two", "Beta")}, {"test_two"} | BETA),
        ({"pattern": "check_*.py"}, {"test_seven"}),
        ({"pattern": "*_beta.py", "top_level": "."}, BETA),
        ({"buffer": True, "timing": True, "debug_mode": True, "verbosity": 2, "durations": 3}, ALPHA | BETA),
    ],
    ids=str,
)
def test_options(inside, options, expected):
    journal = inside("selection", django=options)
    assert names(journal) == expected
    assert set(journal.outcomes().values()) == {"PASSED"}


def test_tests_run_in_the_order_that_was_planned(inside):
    journal = inside("selection", workers=1)
    assert journal.order() == [test.name for test in journal.planned]


def test_reverse_turns_the_order_round(inside):
    def order(**options):
        return [test.classname for test in inside("selection.test_alpha", workers=1, django=options).planned]

    straight, reverse = order(), order(reverse=True)
    assert straight[:-1] == list(reversed(reverse[1:]))
    assert "PlainTests" in straight[-1]  # a class of unittest's comes last either way
    assert "PlainTests" in reverse[0] or "PlainTests" in reverse[-1]


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


# a label twice


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


# failfast


def test_failfast_ends_the_run_across_workers(inside):
    journal = inside("cases.test_failfast", django={"failfast": True})
    assert journal.outcomes() == {
        "FailsTests.test_1_fails": "FAILED",
        "FailsTests.test_2_never_runs": "NOT_RUN",
        "WaitsTests.test_1_is_under_way": "PASSED",
        "WaitsTests.test_2_never_runs": "NOT_RUN",
        "NeverTests.test_1_never_runs": "NOT_RUN",
    }
    reason = "--failfast: cases.test_failfast.FailsTests.test_1_fails FAILED"
    assert journal.final("NeverTests.test_1_never_runs").reason == reason
    assert journal.notices("halted") == [reason]
    assert journal.status == 1
