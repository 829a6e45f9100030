"""Commands of ``before`` run where the tests run, before the settings are loaded."""

from __future__ import annotations

from harness.errors import ExitCode
from harness.protocol.events import PhaseFinished
from tests.runner.conversation import MakeProject, RunTests

TESTS = """
from django.test import SimpleTestCase

class Tests(SimpleTestCase):
    def test_one(self):
        with open("built.txt") as file:
            self.assertEqual(file.read(), "first\\nsecond\\n")
"""


def test_tests_see_their_results(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": TESTS}, "assert open('built.txt').read()\n")
    journal = run_project(before=("echo first > built.txt", "python -c 'print(\"second\")' >> built.txt && echo done"))
    assert list(journal.outcomes().values()) == ["PASSED"]
    assert "done" in journal.stderr
    assert [phase.phase for phase in journal.all(PhaseFinished)][:3] == ["setup", "before", "setup"]


def test_python_is_that_of_the_tests(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": TESTS})
    journal = run_project(before=("printf 'first\\nsecond\\n' > built.txt; python -c 'import django; print(django)'",))
    assert list(journal.outcomes().values()) == ["PASSED"]
    assert "module 'django'" in journal.stderr


def test_one_that_fails_is_named_with_its_output(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": TESTS})
    journal = run_project(before=("echo gone wrong; exit 7", "touch not-run"))
    assert journal.status == ExitCode.PROJECT
    assert journal.aborted.message == "A command of before ended with the status 7: echo gone wrong; exit 7"
    assert journal.aborted.evidence == "gone wrong\n"


def test_it_cannot_read_what_the_host_says(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": TESTS})
    journal = run_project(before=("printf 'first\\nsecond\\n' > built.txt; cat",))
    assert list(journal.outcomes().values()) == ["PASSED"]


def test_they_get_the_settings_that_are_named(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": TESTS})
    lines = "python -c 'from django.conf import settings; print(len(settings.DATABASES))'"
    journal = run_project(before=("printf 'first\nsecond\n' > built.txt", lines))
    assert list(journal.outcomes().values()) == ["PASSED"]
