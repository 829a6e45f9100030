"""Which tests run, in which order, as Django's own options say: in parallel as well as one after the other."""

import functools
from typing import Any

import pytest

from harness.protocol.events import RunFinished, RunPlanned, TopologyFound
from tests.runner.conftest import together
from tests.runner.conversation import Journal, MakeProject, RunTests

ALPHA = {"test_one", "test_two", "test_three", "test_four"}
BETA = {"test_five", "test_six"}


def names(journal: Journal) -> set[str]:
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
    "--tag=heavy": {"test_two", "test_three"},
    "--exclude-tag=heavy": {"test_one", "test_four"} | BETA,
    "--tag=heavy --exclude-tag=rare": {"test_two"},
    "-k=*test_f*": {"test_four", "test_five"},
    "-k=two -k=Beta": {"test_two"} | BETA,
    "--pattern=check_*.py": {"test_seven"},
    "--pattern=*_beta.py --top-level-directory=.": BETA,
    "--buffer --timing --debug-mode --verbosity=2": ALPHA | BETA,
}


@pytest.fixture(scope="module")
def journals(runner_once: RunTests) -> Any:
    calls: dict[Any, Any] = {labels: functools.partial(runner_once, *labels) for labels in LABELS}
    calls |= {args: functools.partial(runner_once, "selection", django=args.split()) for args in OPTIONS}
    return together(calls)


PASSES = """
import unittest

class Tests(unittest.TestCase):
    def test_one(self):
        pass
"""

ODD = """
import doctest, unittest
from app import logic

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
    tests.addTests(doctest.DocTestSuite(logic))
    tests.addTests(doctest.DocFileSuite("guide.txt"))
    tests.addTest(unittest.FunctionTestCase(function))
    tests.addTest(Named("test_one"))
    return tests
"""
LOGIC = """
def doubled(number):
    \"\"\"Twice as much.

    >>> doubled(2)
    4
    >>> doubled(3)
    7
    \"\"\"
    return 2 * number

class Halves:
    \"\"\"
    >>> Halves()
    \"\"\"
"""
ODD_FILES = {
    "app/__init__.py": "",
    "app/tests.py": ODD,
    "app/logic.py": LOGIC,
    "app/guide.txt": "A guide.\n\n>>> 1 + 1\n3\n",
}
ODD_TESTS = {
    "app.tests.make.<locals>.Tests.test_one": (
        "PASSED",
        "app.tests.make.<locals>.Tests",
        "test_one",
        "app/tests.py",
        10,
    ),
    "app.tests.make.<locals>.Tests.test_one#2": (
        "PASSED",
        "app.tests.make.<locals>.Tests",
        "test_one#2",
        "app/tests.py",
        10,
    ),
    "app.logic.doubled": ("FAILED", "app.logic", "doubled", "app/logic.py", 3),
    "app.logic.Halves": ("FAILED", "app.logic", "Halves", "app/logic.py", 13),
    "app.guide_txt": ("FAILED", "app", "guide.txt", "app/guide.txt", 1),
    "app.tests.function": ("PASSED", "app.tests", "function", "app/tests.py", 5),
    "named by itself": ("PASSED", "app.tests.Named", "named by itself", "app/tests.py", 17),
}


def results(journal: Journal) -> Any:
    outcomes = {event.test: event.outcome.value for event in journal.attempts if event.final}
    return {test.id: (outcomes[test.id], test.classname, test.name, test.file, test.line) for test in journal.planned}


FACTORY = """
import unittest

class Tests(unittest.TestCase):
    def test_one(self):
        pass

    def test_two(self):
        pass

def some():
    return unittest.TestSuite([Tests("test_two")])

def nothing(argument):
    raise SystemExit
"""


class TestLabels:
    @pytest.mark.parametrize("labels", LABELS, ids=" ".join)
    def test_labels(self, journals: Any, labels: tuple[str, ...]) -> None:
        assert names(journals[labels]) == LABELS[labels]
        assert set(journals[labels].outcomes().values()) == {"PASSED"}

    @pytest.mark.parametrize("option", OPTIONS)
    def test_options(self, journals: Any, option: str) -> None:
        assert names(journals[option]) == OPTIONS[option]
        assert set(journals[option].outcomes().values()) == {"PASSED"}


class TestOrder:
    def test_tests_run_in_the_order_that_was_planned(self, runner: RunTests) -> None:
        journal = runner("selection", workers=1)
        assert journal.order() == [test.name for test in journal.planned]

    def test_reverse_turns_the_order_within_each_kind_of_class(self, runner: RunTests) -> None:
        straight = runner("selection.test_alpha", workers=1)
        reverse = runner("selection.test_alpha", workers=1, django=["--reverse"])
        assert straight.order() == ["test_one", "test_two", "test_three", "test_four"]
        assert reverse.order() == ["test_three", "test_two", "test_one", "test_four"]

    def test_a_shuffle_reports_its_seed_which_gives_the_same_order(self, runner: RunTests) -> None:
        first = runner("selection", workers=1, django=["--shuffle"])
        seed = first.one(RunPlanned).seed
        assert isinstance(seed, int)
        again = runner("selection", workers=1, django=[f"--shuffle={seed}"])
        assert again.one(RunPlanned).seed == seed
        assert again.order() == first.order()

    def test_without_a_shuffle_there_is_no_seed(self, runner: RunTests) -> None:
        assert runner("selection.deeper").one(RunPlanned).seed is None

    def test_there_are_as_many_workers_as_there_is_work_for(self, runner: RunTests) -> None:
        assert runner("selection.deeper", workers=8).one(RunPlanned).workers == 1
        assert runner("selection", workers=2).one(RunPlanned).workers == 2


class TestErrors:
    def test_no_tests_are_an_exit_code_of_their_own(self, runner: RunTests) -> None:
        journal = runner("selection", django=["-k=nothing"])
        assert journal.status == 5
        assert journal.one(RunFinished).failures == 0
        assert journal.planned == []

    @pytest.mark.parametrize(
        "label",
        ["no.such.module", "selection.test_alpha.AlfaTests", "selection/no_such.py", "selection/test_alpha.py::Alpa"],
    )
    def test_an_unknown_label_ends_the_run_before_servers_start(self, runner: RunTests, label: str) -> None:
        journal = runner(label)
        assert journal.status == 4
        assert journal.aborted.message == f"No test matches the label {label!r}."
        assert not journal.all(TopologyFound)

    @pytest.mark.parametrize(
        ("label", "near"),
        [
            ("selection.test_alpha.AlphaTests.test_on", "Near names: selection.test_alpha.AlphaTests.test_one"),
            ("shop.CartTest", "shop.tests.test_cart.CartTests"),
            ("cases.test_kinds.NoSuchTests", ""),
            ("selection.test_alpha.AlphaTests.SOME", ""),
            ("no such test", "A label is a dotted name"),
        ],
    )
    def test_an_unknown_name_inside_a_module_ends_discovery(self, runner: RunTests, label: str, near: str) -> None:
        journal = runner("selection", label)
        assert journal.status == 4
        assert journal.aborted.message == f"No test matches the label {label!r}."
        assert near in journal.aborted.hint
        assert journal.attempts == []

    def test_a_module_that_cannot_be_imported_is_a_test_that_errs(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"tests/__init__.py": "", "tests/test_a.py": "import no_such_package", "tests/test_b.py": PASSES})
        journal = run_project()
        (failed,) = [attempt for attempt in journal.attempts if attempt.outcome.is_red]
        assert failed.outcome.value == "ERRORED"
        assert "No module named 'no_such_package'" in failed.failures[0].traceback
        assert failed.test.endswith("tests.test_a")
        assert journal.status == 1

    def test_so_is_a_module_that_a_label_names(self, project: MakeProject, run_project: RunTests) -> None:
        broken = f"import no_such_package\n{PASSES}"
        project({"tests/__init__.py": "", "tests/test_a.py": broken, "tests/test_b.py": PASSES})
        journal = run_project("tests.test_a.Tests.test_one", "tests.test_b")
        assert sorted(journal.outcomes().values()) == ["ERRORED", "PASSED"]
        assert journal.status == 1

    def test_a_syntax_error_is_a_test_that_errs(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": "def broken(:\n"})
        journal = run_project()
        assert journal.status == 1
        assert "SyntaxError" in journal.attempts[0].failures[0].traceback


class TestOddTests:
    def test_tests_without_a_class_or_an_own_id_show_their_places(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project(ODD_FILES)
        assert results(run_project("app")) == ODD_TESTS

    def test_each_id_is_a_label_that_runs_this_test_and_no_other(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project(ODD_FILES)
        journals = together({label: functools.partial(run_project, label) for label in ODD_TESTS})
        first = "app.tests.make.<locals>.Tests.test_one"
        for label, journal in journals.items():
            assert results(journal) == {label: ODD_TESTS[label]}, label
        many = run_project(first, f"{first}#2", "app.logic.Halves", "app/guide.txt", "app.logic.doubled#2")
        assert results(many) == {
            label: ODD_TESTS[label]
            for label in (first, f"{first}#2", "app.logic.Halves", "app.guide_txt", "app.logic.doubled")
        }

    def test_a_class_or_module_of_such_tests_is_a_label_too(self, project: MakeProject, run_project: RunTests) -> None:
        project(ODD_FILES)
        journal = run_project("app.logic", "app.tests.make.<locals>.Tests")
        assert {test.id for test in journal.planned} == {
            test for test in ODD_TESTS if test.startswith(("app.logic", "app.tests.make"))
        }

    def test_a_function_is_a_label_only_if_it_makes_tests(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": FACTORY})
        assert run_project("tests.some").outcomes() == {"Tests.test_two": "PASSED"}
        assert run_project("tests.nothing").aborted.message == "No test matches the label 'tests.nothing'."
        assert run_project("tests.Tests.setUpClass").outcomes() == {
            "Tests.test_one": "PASSED",
            "Tests.test_two": "PASSED",
        }


class TestFailfast:
    def test_failfast_ends_the_run_across_workers(self, runner: RunTests) -> None:
        journal = runner("cases.test_failfast", django=["--failfast"])
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
