"""Tests that only pytest can run are planned, not run, and red, unless the run is told to leave them out."""

import functools
from typing import Any

import pytest

from harness.protocol.events import RunFinished
from harness.report.model import ledger
from harness.report.model.verdict import verdict
from tests.runner.conftest import together
from tests.runner.conversation import Journal, MakeProject, RunTests

ITEMS = """
import pytest
from django.test import TestCase

@pytest.fixture
def two():
    return 2

@pytest.fixture
def test_data():
    return 3

@pytest.mark.django_db
def test_fixture(two):
    assert two == 2

async def test_waits():
    pass

class TestThings:
    @pytest.mark.parametrize("n", [1, 2])
    def test_param(self, n):
        assert n

    class TestInner:
        def test_deep(self):
            raise SystemExit

TestThings.TestAgain = TestThings

class TestMade:
    def __init__(self):
        pass

    def test_none(self):
        pass

class TestMixin:
    def test_mixed(self):
        pass

class Mixed(TestMixin, TestCase):
    pass

class TestOld(TestCase):
    def test_old(self):
        pass

@pytest.mark.usefixtures("two")
class UsesFixture(TestCase):
    def test_two(self):
        pass

@pytest.mark.usefixtures("db")
class UsesDatabase(TestCase):
    def test_db(self):
        pass

class GetsFixture(TestCase):
    @pytest.fixture(autouse=True)
    def give(self, two):
        self.two = two

    def test_three(self):
        self.assertEqual(self.two, 2)
"""
UNSEEN = """
from django.test import TestCase

if True:
    def test_plain():
        pass

class OldTests(TestCase):
    def test_unseen(self):
        pass
"""
FILES = {
    "pytest.ini": "[pytest]\n",
    "tests/__init__.py": "",
    "tests/test_items.py": ITEMS,
    "tests/items_test.py": UNSEEN,
    "tests/helpers.py": "def test_helper(): pass\n",
}
PASSED = {"TestOld.test_old", "Mixed.test_mixed", "UsesDatabase.test_db"}
STYLE = "a test in pytest's style, which Django's runner does not run"
LEFT_OUT = {
    "tests.test_items.UsesFixture.test_two": "gets usefixtures('two') from pytest, and not from Django's runner",
    "tests.test_items.GetsFixture.test_three": "gets the autouse fixture give from pytest, and not from Django's runner",
    "tests/test_items.py::test_fixture": STYLE,
    "tests/test_items.py::test_waits": STYLE,
    "tests/test_items.py::TestThings::test_param": STYLE,
    "tests/test_items.py::TestThings::TestInner::test_deep": STYLE,
    "tests/items_test.py::test_plain": STYLE,
    "tests/items_test.py::OldTests::test_unseen": "pytest collects this file, and Django's discovery does not",
}


def left_out(journal: Journal) -> Any:
    return {attempt.test: attempt.reason for attempt in journal.attempts if attempt.outcome.value == "NOT_RUN"}


def passed(journal: Journal) -> Any:
    return {name for name, outcome in journal.outcomes().items() if outcome == "PASSED"}


SELECTIONS = {
    ("tests.test_items.TestOld",): (set(), {"TestOld.test_old"}),
    ("tests.items_test",): ({"tests/items_test.py::test_plain"}, {"OldTests.test_unseen"}),
    ("tests/test_items.py::TestThings",): (
        {name for name in LEFT_OUT if name.startswith("tests/test_items.py::TestThings")},
        set(),
    ),
    ("tests/test_items.py::TestThings::test_param[1]",): ({"tests/test_items.py::TestThings::test_param"}, set()),
    ("tests.test_items.test_fixture", "tests.test_items.UsesFixture"): (
        {"tests/test_items.py::test_fixture", "tests.test_items.UsesFixture.test_two"},
        set(),
    ),
    ("tests/",): (set(LEFT_OUT), PASSED),
}

PLAIN = """
from django.test import SimpleTestCase

def test_view(request):
    pass

class Tests(SimpleTestCase):
    def test_one(self):
        pass
"""

AUTOUSE = """
import not_installed
import pytest

@pytest.fixture(autouse=True)
def {name}():
    yield
    assert 0
"""
ONE_TEST = """
from django.test import SimpleTestCase

class Tests(SimpleTestCase):
    def test_one(self):
        pass
"""
AUTOUSE_FILES = {
    "pytest.ini": "[pytest]\nusefixtures = db given\n",
    "conftest.py": AUTOUSE.format(name="no_network"),
    "bar/__init__.py": "",
    "bar/test_b.py": ONE_TEST,
    "bar/deep/conftest.py": AUTOUSE.format(name="of_a_folder_without_tests"),
    "bar/tests.py": ONE_TEST,  # pytest collects no file of this name
    "barrel/__init__.py": "",
    "barrel/conftest.py": "import pytest\n",
    "shop/__init__.py": "",
    "shop/conftest.py": AUTOUSE.format(name="frozen") + AUTOUSE.format(name="checks"),
    "shop/test_a.py": ONE_TEST,
}


class TestLeftOut:
    def test_each_of_them_is_named_and_red(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES)
        journal = run_project()
        assert left_out(journal) == LEFT_OUT
        assert passed(journal) == PASSED
        assert (journal.one(RunFinished).failures, journal.status) == (8, 1)
        places = {test.id: (test.classname, test.name, test.file, test.line) for test in journal.planned}
        assert places["tests/test_items.py::test_fixture"] == (
            "tests.test_items",
            "test_fixture",
            "tests/test_items.py",
            13,
        )
        deep = "tests/test_items.py::TestThings::TestInner::test_deep"
        assert places[deep] == ("tests.test_items.TestThings.TestInner", "test_deep", "tests/test_items.py", 26)
        (notice,) = journal.notices("pytest-tests")
        assert notice.startswith("8 tests of pytest")
        assert 'framework = "django"' in notice

    def test_they_are_left_out_where_django_is_asked_for(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES)
        journal = run_project(framework="django")
        assert (set(journal.outcomes()), journal.status) == (PASSED, 0)
        assert journal.notices("pytest-tests") == [
            '8 tests of pytest, which Django\'s runner cannot run: left out, since framework = "django".'
        ]

    def test_labels_choose_among_them(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES)
        journals = together({labels: functools.partial(run_project, *labels) for labels in SELECTIONS})
        for labels, journal in journals.items():
            assert (set(left_out(journal)), passed(journal)) == SELECTIONS[labels], labels

    def test_names_and_tags_choose_among_them(self, project: MakeProject, run_project: RunTests) -> None:
        project(FILES)
        by_name = run_project(django=["-k=test_param", "-k=test_old"])
        assert (set(left_out(by_name)), passed(by_name)) == (
            {"tests/test_items.py::TestThings::test_param"},
            {"TestOld.test_old"},
        )
        by_tag = run_project(django=["--tag=slow"])
        assert (left_out(by_tag), by_tag.status) == ({}, 5)

    @pytest.mark.parametrize(("has_pytest", "expected"), [(False, set()), (True, {"tests/test_a.py::test_view"})])
    def test_a_project_without_a_sign_of_pytest_sees_no_change(
        self, project: MakeProject, run_project: RunTests, has_pytest: bool, expected: Any
    ) -> None:
        lines = "" if has_pytest else "import sys\nsys.modules['pytest'] = None\n"
        project({"tests/__init__.py": "", "tests/test_a.py": PLAIN}, lines)
        journal = run_project()
        assert (set(left_out(journal)), passed(journal)) == (expected, {"Tests.test_one"})


class TestFolders:
    def test_a_folder_that_discovery_does_not_enter_is_named(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests/test_a.py": PLAIN}, "import sys\nsys.modules['pytest'] = None\n")
        journal = run_project()
        assert journal.status == 5
        text = (
            "tests/ has no __init__.py, so Django's discovery does not look into it:"
            " 1 file of tests, tests/test_a.py (test_view, test_one) first."
        )
        assert journal.notices("not-discovered") == [text]
        judged = verdict(ledger.fold(journal.envelopes))
        assert judged.cause
        assert (judged.exit_code, judged.cause.hint) == (5, text)
        assert run_project("tests").notices("not-discovered") == []

    def test_a_folder_that_only_pytest_enters_is_reported(self, project: MakeProject, run_project: RunTests) -> None:
        project({"conftest.py": "", "tests/test_a.py": PLAIN, "app/__init__.py": "", "app/tests.py": PLAIN})
        journal = run_project()
        assert set(left_out(journal)) == {"tests/test_a.py::test_view", "tests/test_a.py::Tests::test_one"}
        assert passed(journal) == {"Tests.test_one"}


class TestAutouseFixtures:
    def test_autouse_fixtures_are_reported_and_change_no_outcome(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project(AUTOUSE_FILES)
        journals = together(
            {
                "all": run_project,
                "bar": functools.partial(run_project, "bar"),
                "django": functools.partial(run_project, framework="django"),
            }
        )
        assert [(len(each.attempts), each.status) for each in journals.values()] == [(3, 0), (2, 0), (3, 0)]
        (everywhere,), (in_bar,), (asked_for,) = (each.notices("pytest-fixtures") for each in journals.values())
        assert everywhere.startswith("2 tests of TestCases run without autouse fixtures")
        assert "conftest.py (no_network), shop/conftest.py (frozen, checks)" in everywhere
        assert "usefixtures of pytest's configuration (given)." in everywhere
        assert in_bar.startswith("1 test of TestCases runs without")
        assert "conftest.py (no_network), usefixtures" in in_bar
        assert "shop" not in in_bar
        assert asked_for == (
            '2 tests of TestCases run without 4 autouse fixtures of pytest, since framework = "django".'
        )

    def test_a_conftest_without_autouse_fixtures_is_not_reported(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        database = "import pytest\n\n@pytest.fixture(autouse=True)\ndef database(db):\n    pass\n"
        project({**AUTOUSE_FILES, "pytest.ini": "", "conftest.py": database, "shop/conftest.py": ""})
        journal = run_project()
        assert (len(journal.attempts), journal.notices("pytest-fixtures")) == (3, [])
