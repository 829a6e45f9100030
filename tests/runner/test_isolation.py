"""Tests cannot write into the journal, read the host's messages, or spoil the process for the next class."""

import pytest

from harness.protocol.events import AttemptFinished, RunFinished, WorkerLost, WorkerStarted
from tests.runner.conversation import Conversation, Journal, MakeProject, RunTests


@pytest.fixture(scope="module")
def journal(runner_once: RunTests) -> Journal:
    return runner_once("cases.test_isolation", workers=2)


STRAY = """
import os, stat, unittest

class Tests(unittest.TestCase):
    def test_writes_to_every_socket(self):
        for name in os.listdir("/proc/self/fd"):
            try:
                if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    os.write(int(name), b'garbage\\n{"type":"RunFinished","failures":0}\\n{"type":3}\\n[1]\\n')
            except OSError:
                pass

    def test_z_after(self):
        pass
"""

FORGES = """
import json, os, stat, unittest

def say(**event):
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                os.write(int(name), json.dumps(event).encode() + b"\\n")
        except OSError:
            pass

class ATests(unittest.TestCase):
    def test_1_ends_anothers(self):
        say(type="AttemptFinished", test="tests.BTests.test_fails", n=1, outcome="PASSED", duration=0.01)

    def test_2_begins_the_next(self):
        say(type="AttemptStarted", test="tests.ATests.test_3_fails", n=1)
        say(type="AttemptFinished", test="tests.ATests.test_3_fails", n=1, outcome="PASSED", duration=0.01)

    def test_3_fails(self):
        self.fail("honest")

    def test_4_skips_the_next(self):
        say(type="AttemptFinished", test="tests.ATests.test_5_fails", n=1, outcome="SKIPPED", duration=0.0)

    def test_5_fails(self):
        self.fail("honest")

    def test_6_ends_the_run(self):
        say(type="RunAborted", exit_code=0, message="all is well")
        os._exit(0)

    def test_7_says_that_it_is_through(self):
        say(type="UnitFinished", unit="tests.ATests")

    def test_8_is_about_itself(self):
        say(type="AttemptFinished", test="tests.ATests.test_8_is_about_itself", n=1, outcome="PASSED", duration="x")

class BTests(unittest.TestCase):
    def test_fails(self):
        self.fail("honest")
"""

FORGERS = (
    "1_ends_anothers",
    "2_begins_the_next",
    "4_skips_the_next",
    "6_ends_the_run",
    "7_says_that_it_is_through",
    "8_is_about_itself",
)

PASSES = """
import unittest

class Tests(unittest.TestCase):
    def test_one(self):
        pass
"""

THREAD = """
import threading, time
from django.apps import AppConfig

class Config(AppConfig):
    name = "app"

    def ready(self):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""

WARNS = """
import unittest, warnings

class Tests(unittest.TestCase):
    def test_warns(self):
        warnings.warn("old", DeprecationWarning)
"""

PRINTS = """
import unittest

class Tests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("set up")

    def test_a(self):
        print("a")

    def test_b(self):
        print("b")
        self.fail()
"""


class TestProject:
    def test_each_test_has_its_outcome(self, journal: Journal) -> None:
        assert journal.outcomes() == {
            "GuessingTests.test_1_writes_to_every_low_descriptor": "PASSED",
            "GuessingTests.test_2_closes_every_low_descriptor": "PASSED",
            "GuessingTests.test_3_after": "PASSED",
            "InputTests.test_is_empty": "PASSED",
            "InputTests.test_of_a_child_is_empty": "PASSED",
            "ClosingTests.test_1_closes_its_output": "PASSED",
            "ClosingTests.test_2_prints": "FAILED",
            "LeavingTests.test_1_goes_where_nothing_is": "PASSED",
            "LeavingTests.test_2_replaces_stdout": "PASSED",
            "NextTests.test_is_at_home": "FAILED",
            "ForkingTests.test_1_forks_and_the_child_raises": "PASSED",
            "ForkingTests.test_2_after": "PASSED",
            "NumberTests.test_worker_is_numbered_as_django_numbers_its_own": "FAILED",
            "GarbageTests.test_is_collected_as_python_does": "PASSED",
            "ChildTests.test_leaves_a_child_running": "PASSED",
            "ChildTests.test_leaves_a_child_running_and_dies": "CRASHED",
        }

    def test_no_output_of_a_test_is_an_event(self, journal: Journal) -> None:
        assert journal.all(RunFinished) == [RunFinished(4)]
        assert journal.notices("stray-line") == []

    def test_output_that_another_test_closed_is_open_again(self, journal: Journal) -> None:
        assert journal.final("test_2_prints").stdout == "printed after the closing\n"

    def test_a_class_starts_at_home_with_its_own_streams(self, journal: Journal) -> None:
        attempt = journal.final("NextTests.test_is_at_home")
        assert attempt.failures[0].message == "to be shown"
        assert attempt.stdout == "printed by the next class\n"

    def test_workers_are_numbered_by_their_slots(self, journal: Journal) -> None:
        (envelope,) = [
            e
            for e in journal.envelopes
            if isinstance(e.event, AttemptFinished) and e.event.test.endswith("numbers_its_own")
        ]
        assert isinstance(envelope.event, AttemptFinished)
        assert envelope.event.stdout == f"worker {envelope.slot}\n"

    def test_only_the_worker_that_died_was_lost(self, journal: Journal) -> None:
        (lost,) = journal.all(WorkerLost)
        assert lost.test
        assert lost.test.endswith("test_leaves_a_child_running_and_dies")


class TestForgeries:
    def test_a_test_that_writes_on_its_workers_socket_is_red(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": STRAY})
        journal = run_project("tests")
        assert journal.outcomes() == {"Tests.test_writes_to_every_socket": "ERRORED", "Tests.test_z_after": "PASSED"}
        assert len(journal.notices("stray-line")) == 1
        (failure,) = journal.final("test_writes_to_every_socket").failures
        assert (failure.type, "socket" in failure.message) == ("ForgedEvent", True)
        assert journal.status == 1

    def test_a_worker_reports_only_the_test_that_it_was_given(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"tests.py": FORGES})
        journal = run_project("tests", workers=1)
        forgers = {f"ATests.test_{name}" for name in FORGERS}
        assert journal.outcomes() == {
            **dict.fromkeys(forgers, "ERRORED"),
            **dict.fromkeys(("ATests.test_3_fails", "ATests.test_5_fails", "BTests.test_fails"), "FAILED"),
        }
        assert {failure.type for name in forgers for failure in journal.final(name).failures} == {"ForgedEvent"}
        assert journal.status == 1


class TestProcess:
    def test_output_of_the_project_before_the_tests_is_no_event(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"tests.py": 'import os\nprint("printed at import")\nos.write(1, b"written at import\\n")\n' + PASSES})
        journal = run_project("tests")
        assert journal.status == 0
        assert "printed at import" in journal.stderr
        assert "written at import" in journal.stderr

    def test_a_project_with_threads_and_warnings_as_errors_runs(
        self, project: MakeProject, run_project: RunTests, python: str
    ) -> None:
        """Python 3.12 warns of forks of processes that have threads."""
        project(
            {"app/__init__.py": "", "app/apps.py": THREAD, "tests.py": PASSES}, 'INSTALLED_APPS = ["app.apps.Config"]'
        )
        journal = run_project("tests", python=python, flags=["-W", "error"])
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}

    def test_warnings_are_errors_where_a_project_sets_that(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": WARNS})
        journal = run_project("tests", env={"PYTHONWARNINGS": "error"})
        assert journal.outcomes() == {"Tests.test_warns": "ERRORED"}
        assert journal.final("test_warns").failures[0].type == "DeprecationWarning"

    def test_a_worker_ends_by_itself_when_the_runner_is_killed(self, project: MakeProject) -> None:
        """No process is left to end it: it sees that the coordinator has closed the connection."""
        folder = project({"tests.py": PASSES.replace("pass\n", "import time; time.sleep(1.5)\n")})
        from harness.protocol.messages import RunSpec

        with Conversation(folder) as conversation:
            conversation.begin(RunSpec(settings="settings", labels=("tests",)))
            conversation.read_until(WorkerStarted)
            conversation.process.kill()
            conversation.process.wait()
            assert conversation.processes_left() == []

    def test_a_failing_test_does_not_show_earlier_output(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": PRINTS})
        journal = run_project("tests")
        assert journal.final("test_b").stdout == "b\n"
        assert journal.final("test_a").stdout == "a\n"
