"""The runner chooses the framework of the tests before it loads the project, and reports why."""

import django
import pytest

from harness.errors import ExitCode
from harness.protocol.events import FrameworkChosen, TopologyFound
from tests.environments import python_with
from tests.runner.conversation import MakeProject, RunTests

TESTS = {
    "tests/__init__.py": "",
    "tests/test_x.py": "from unittest import TestCase\n\nclass X(TestCase):\n    def test_x(self): pass\n",
}


def test_a_project_without_pytest_is_djangos(project: MakeProject, run_project: RunTests) -> None:
    project(TESTS)
    journal = run_project()
    assert journal.one(FrameworkChosen) == FrameworkChosen("django", "no configuration of pytest")
    assert journal.notices("framework") == []
    kinds = [type(envelope.event) for envelope in journal.envelopes]
    assert kinds.index(FrameworkChosen) < kinds.index(TopologyFound)


def test_a_project_of_pytest_without_what_it_needs_is_told(project: MakeProject, run_project: RunTests) -> None:
    project({**TESTS, "pytest.ini": "[pytest]\n"})
    journal = run_project()
    chosen = journal.one(FrameworkChosen)
    assert (chosen.framework, journal.status) == ("django", 0)
    (notice,) = journal.notices("framework")
    assert notice.startswith(f"Django's runner runs the tests: {chosen.reason}.")


def test_djangos_runner_that_is_asked_for_needs_no_notice(project: MakeProject, run_project: RunTests) -> None:
    project({**TESTS, "pytest.ini": "[pytest]\n"})
    journal = run_project(framework="django")
    assert journal.one(FrameworkChosen) == FrameworkChosen("django", 'framework = "django"')
    assert (journal.notices("framework"), journal.status) == ([], ExitCode.GREEN)


INI = "[pytest]\nDJANGO_SETTINGS_MODULE = settings\n"
ITEMS = """
import pytest
from django.test import TestCase

@pytest.mark.django_db
@pytest.mark.parametrize("n", ["1-x", "2 y::z"])
def test_param(n):
    assert n

class TestA:
    def test_b(self):
        pass

class OldTests(TestCase):
    def test_old(self):
        pass
"""
PYTEST = {"pytest.ini": INI, "tests/test_a.py": ITEMS}
ALL = {
    "tests/test_a.py::test_param[1-x]",
    "tests/test_a.py::test_param[2 y::z]",
    "tests/test_a.py::TestA::test_b",
    "tests/test_a.py::OldTests::test_old",
}
RUNNER = """
class PytestTestRunner:
    def __init__(self, **kwargs):
        raise AssertionError("this class does not run")

    def run_tests(self, test_labels, **kwargs):
        import pytest
        return pytest.main(list(test_labels))
"""


@pytest.fixture(scope="module")
def with_pytest() -> str:
    """A Python with pytest and pytest-django."""
    return str(python_with("pytest-9", f"django=={django.get_version()}", "tblib", "pytest==9.*", "pytest-django"))


@pytest.fixture(scope="module")
def without_pytest() -> str:
    """A Python with Django alone: not the one that runs these tests."""
    return str(python_with("no-pytest", f"django=={django.get_version()}", "tblib"))


class TestPytest:
    def test_a_project_of_pytest_is_run_by_it(
        self, project: MakeProject, run_project: RunTests, with_pytest: str
    ) -> None:
        project({**PYTEST, "manage.py": "raise AssertionError('manage.py is not executed')\n"})
        journal = run_project(python=with_pytest, settings=None, script="manage.py")
        chosen = journal.one(FrameworkChosen)
        assert (chosen.framework, journal.status) == ("pytest", 0)
        assert chosen.reason.startswith("pytest.ini, and pytest 9.")
        assert ", pytest-django " in chosen.version
        assert {test.id for test in journal.planned} == ALL

    def test_it_ends_with_the_topology_where_that_is_all(
        self, project: MakeProject, run_project: RunTests, with_pytest: str
    ) -> None:
        project(PYTEST)
        journal = run_project(python=with_pytest, settings=None, plan_only=True)
        assert journal.one(FrameworkChosen).framework == "pytest"
        assert journal.one(TopologyFound).settings == "settings"
        assert journal.planned == []

    @pytest.mark.parametrize(
        ("label", "chosen"),
        [
            ("tests/test_a.py::test_param[2 y::z]", ["test_param[2 y::z]"]),
            ("tests.test_a.TestA", ["test_b"]),
            ("tests/test_a.py:15", ["OldTests::test_old"]),
        ],
    )
    def test_labels_choose_tests(
        self, project: MakeProject, run_project: RunTests, with_pytest: str, label: str, chosen: list[str]
    ) -> None:
        project(PYTEST)
        journal = run_project(label, python=with_pytest, settings=None)
        assert [test.id.endswith(end) for test, end in zip(journal.planned, chosen, strict=True)] == [True]
        assert journal.status == ExitCode.GREEN

    def test_options_reach_it_but_for_those_of_xdist(
        self, project: MakeProject, run_project: RunTests, with_pytest: str
    ) -> None:
        project({"tests/test_a.py": ITEMS})
        words = ("-n", "4", "-k", "test_old or test_b", "-p", "no:cacheprovider")
        journal = run_project(python=with_pytest, pytest_args=words)
        assert journal.one(FrameworkChosen).reason == "options for pytest are given"
        assert len(journal.planned) == 2
        (notice,) = journal.notices("xdist")
        assert notice.startswith("-n 4 is left out")

    def test_tests_that_it_does_not_collect_are_counted(
        self, project: MakeProject, run_project: RunTests, with_pytest: str
    ) -> None:
        old = "from django.test import TestCase\n\nclass A(TestCase):\n    def test_a(self): pass\n"
        project({**PYTEST, "shop/__init__.py": "", "shop/tests.py": old})
        journal = run_project(python=with_pytest, settings=None)
        (notice,) = journal.notices("django-tests")
        assert notice.startswith("1 test of unittest's classes does not run, in files that pytest does not collect")
        assert "shop/tests.py (1)" in notice
        assert run_project("tests", python=with_pytest, settings=None).notices("django-tests") == []

    def test_a_runner_class_that_calls_it_is_left_out(
        self, project: MakeProject, run_project: RunTests, with_pytest: str
    ) -> None:
        project({"runner.py": RUNNER, "tests/test_a.py": ITEMS}, 'TEST_RUNNER = "runner.PytestTestRunner"\n')
        journal = run_project(python=with_pytest)
        assert journal.one(FrameworkChosen).reason.startswith("TEST_RUNNER runner.PytestTestRunner, and pytest 9.")
        assert ({test.id for test in journal.planned}, journal.status) == (ALL, 0)

    def test_it_runs_in_the_folder_of_its_configuration(
        self, project: MakeProject, run_project: RunTests, with_pytest: str
    ) -> None:
        folder = project({"pytest.ini": INI, "tests/test_a.py": ITEMS, "src/manage.py": ""})
        (folder / "settings.py").rename(folder / "src" / "settings.py")
        journal = run_project(
            python=with_pytest, settings=None, workdir="src", is_workdir_found=True, script="manage.py"
        )
        assert ({test.id for test in journal.planned}, journal.status) == (ALL, 0)
        assert journal.notices("workdir-found") == ["pytest runs in the folder of its configuration, pytest.ini."]


class TestBadInput:
    def test_options_of_djangos_runner_are_refused(
        self, project: MakeProject, run_project: RunTests, with_pytest: str
    ) -> None:
        project(PYTEST)
        aborted = run_project(python=with_pytest, settings=None, django=["--tag=slow"]).aborted
        assert aborted.exit_code is ExitCode.USAGE
        assert '-m "NAME" after --' in aborted.hint

    def test_a_label_that_names_nothing_has_names_near(
        self, project: MakeProject, run_project: RunTests, with_pytest: str
    ) -> None:
        project(PYTEST)
        aborted = run_project("tests/test_b.py", python=with_pytest, settings=None).aborted
        assert (aborted.exit_code, aborted.message) == (
            ExitCode.PROJECT,
            "No test matches the label 'tests/test_b.py'.",
        )
        assert aborted.hint.startswith("Near names: tests/test_a.py")

    def test_pytest_that_is_not_installed_is_the_projects_fault(
        self, project: MakeProject, run_project: RunTests, without_pytest: str
    ) -> None:
        project(PYTEST)
        for spec in ({"framework": "pytest"}, {"pytest_args": ("-q",)}):
            aborted = run_project(python=without_pytest, settings=None, **spec).aborted
            assert aborted.exit_code is ExitCode.PROJECT
            assert "pytest is not installed where the tests run" in aborted.message
            assert 'extra_install = ["pytest", "pytest-django"]' in aborted.hint

    def test_a_project_without_settings_is_told_of_pytest(
        self, project: MakeProject, run_project: RunTests, without_pytest: str
    ) -> None:
        project(PYTEST)
        aborted = run_project(python=without_pytest, settings=None).aborted
        assert aborted.message == "No settings are named."
        assert aborted.hint.startswith(
            "Django's runner runs the tests: pytest.ini is there, but pytest is not installed"
        )
