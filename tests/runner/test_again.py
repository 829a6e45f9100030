"""Tests that run again: ``--repeat``, and the replay of what one worker ran."""

from tests.runner.conversation import MakeProject, RunTests

ORDER = """
import unittest
seen = []

class ATests(unittest.TestCase):
    def test_1(self): seen.append("a1")
    def test_2(self): seen.append("a2")

class BTests(unittest.TestCase):
    def test_1(self): seen.append("b1")
    def test_2(self):
        self.assertNotIn("a1", seen)
"""


def test_each_test_is_repeated(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": ORDER.replace("a1", "x", 1)})
    journal = run_project("tests", workers=1, repeat=3)
    assert sorted((event.test, event.n) for event in journal.attempts) == [
        (f"tests.{name}Tests.test_{number}", n) for name in "AB" for number in (1, 2) for n in (1, 2, 3)
    ]
    assert set(journal.outcomes().values()) == {"PASSED"}
    assert [event.n for event in journal.attempts] == [1] * 4 + [2] * 4 + [3] * 4


FLAKY = """
import unittest
rounds = []

class Tests(unittest.TestCase):
    def test_1(self):
        rounds.append(1)
        self.assertLess(len(rounds), 3)

    def test_2(self): pass
"""


def test_a_test_that_fails_once_has_failed(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": FLAKY})
    journal = run_project("tests", workers=1, repeat=5)
    assert journal.outcomes() == {"Tests.test_1": "FAILED", "Tests.test_2": "PASSED"}
    assert [event.n for event in journal.attempts if event.test.endswith("test_1")] == [1, 2, 3]
    assert journal.final("test_2").n == 5
    assert journal.status == 1


def test_a_replay_runs_the_given_tests_in_the_given_order(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": ORDER})
    order = ("tests.BTests.test_1", "tests.ATests.test_2", "tests.ATests.test_1", "tests.BTests.test_2")
    journal = run_project("tests", workers=4, replay=order)
    assert tuple(event.test for event in journal.attempts) == order
    assert {envelope.slot for envelope in journal.envelopes} <= {0, 1}
    assert journal.outcomes()["BTests.test_2"] == "FAILED"
    passed = run_project("tests", replay=order[3:])
    assert passed.outcomes() == {"BTests.test_2": "PASSED"}


def test_a_replay_of_tests_that_are_gone_says_so(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": ORDER})
    aborted = run_project("tests", replay=("tests.BTests.test_1", "tests.BTests.test_9")).aborted
    assert aborted.exit_code == 4
    assert "tests.BTests.test_9" in aborted.message
