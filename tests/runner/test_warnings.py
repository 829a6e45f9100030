"""Python's filters of warnings reach the workers, and the warnings shown are counted by category."""

from __future__ import annotations

from harness.report.model.ledger import fold
from tests.runner.conversation import Journal, MakeProject, RunTests

TESTS = """
import unittest, warnings

class OldWarning(DeprecationWarning):
    pass

class ATests(unittest.TestCase):
    def test_one(self):
        warnings.warn("old", OldWarning)
        warnings.warn("bad", RuntimeWarning)

    def test_recorded(self):
        with self.assertWarns(UserWarning):
            warnings.warn("recorded")

class BTests(unittest.TestCase):
    def test_two(self):
        warnings.warn("old", DeprecationWarning)

warnings.warn("at import", DeprecationWarning)
"""


def warnings_of(journal: Journal) -> dict[str, int]:
    return fold(journal.envelopes).warnings


def test_filters_of_python_count_in_workers(project: MakeProject, run_project: RunTests, python: str) -> None:
    project({"tests.py": TESTS})
    assert warnings_of(run_project(python=python)) == {"RuntimeWarning": 1}
    journal = run_project(python=python, env={"PYTHONWARNINGS": "always"})
    assert warnings_of(journal) == {"DeprecationWarning": 2, "RuntimeWarning": 1, "tests.OldWarning": 1}
    assert "DeprecationWarning: old" in journal.final("test_two").stderr
    shown = {(each.file, each.line, each.message) for each in fold(journal.envelopes).shown_warnings}
    assert shown == {
        ("tests.py", 9, "old"),
        ("tests.py", 10, "bad"),
        ("tests.py", 18, "old"),
        ("tests.py", 20, "at import"),
    }


def test_a_filter_can_make_a_test_err(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": TESTS})
    journal = run_project(env={"PYTHONWARNINGS": "error::RuntimeWarning"})
    assert journal.outcomes()["ATests.test_one"] == "ERRORED"


def test_a_run_without_warnings_counts_none(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": "import unittest\n\nclass Tests(unittest.TestCase):\n    def test_x(self):\n        pass\n"})
    assert warnings_of(run_project()) == {}
