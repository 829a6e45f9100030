"""The runner chooses the framework of the tests before it loads the project, and reports why."""

from harness.errors import ExitCode
from harness.protocol.events import FrameworkChosen, TopologyFound
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
