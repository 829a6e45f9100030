"""A project's packages are imported as its own, even one called ``harness``."""

import pytest

from tests.runner.conversation import MakeProject, RunTests

OWN = """
import unittest
from harness.parts import answer

class Tests(unittest.TestCase):
    def test_ours(self):
        self.assertEqual(answer, 42)
"""
MARKED = """
import unittest
from harness.testing import timeout

@timeout(30)
class Tests(unittest.TestCase):
    def test_marked(self):
        pass
"""


@pytest.mark.parametrize("folder", ["", "src/"])
def test_a_package_called_harness_is_the_projects(project: MakeProject, run_project: RunTests, folder: str) -> None:
    project(
        {f"{folder}harness/__init__.py": "", f"{folder}harness/parts.py": "answer = 42\n", "tests.py": OWN},
    )
    journal = run_project("tests")
    assert journal.outcomes() == {"Tests.test_ours": "PASSED"}


def test_marks_can_be_imported_without_an_installation(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": MARKED})
    assert run_project("tests").outcomes() == {"Tests.test_marked": "PASSED"}
