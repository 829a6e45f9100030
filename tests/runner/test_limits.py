"""Limits of time: which test has which, how one that is late ends, and what is known of it then."""

from collections.abc import Callable

import pytest

from harness.protocol.events import WorkerLost
from harness.protocol.messages import TimeLimit
from tests.runner.conversation import Journal, MakeProject, RunTests

LATE = """
import signal, time, unittest
from harness.testing import timeout

class OwnTests(unittest.TestCase):
    @timeout(1)
    def test_1_has_a_limit_of_its_own(self):
        time.sleep(600)

    def test_2_has_the_runs(self):
        time.sleep(2)

class ClassTests(unittest.TestCase):
    harness_timeout = 1

    @classmethod
    def setUpClass(cls):
        time.sleep(600)

    def test_one(self):
        pass

class PatternTests(unittest.TestCase):
    def test_one(self):
        time.sleep(600)

@timeout(1)
class StubbornTests(unittest.TestCase):
    def test_ignores_a_polite_request(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)

    def test_takes_a_polite_request(self):
        def leave(*_):
            raise SystemExit("asked to leave")
        signal.signal(signal.SIGTERM, leave)
        time.sleep(600)

@timeout(1)
class GracefulTests(unittest.TestCase):
    def test_1_ends_on_the_request(self):
        self.stop = False
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stop", True))
        print("printed by the late one")
        while not self.stop:
            time.sleep(0.05)

    def test_2_ends_when_it_is_looked_at(self):
        self.stop = False
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "stop", True))
        while not self.stop:
            time.sleep(0.05)

    def test_3_after(self):
        self.assertIs(signal.getsignal(signal.SIGTERM), signal.SIG_DFL)

class GracefulSetUpTests(unittest.TestCase):
    harness_timeout = 1

    @classmethod
    def setUpClass(cls):
        time.sleep(2)

    def test_one(self):
        pass

@timeout(1)
class LockTests(unittest.TestCase):
    def test_holds_the_interpreter(self):
        import ctypes
        mutex = ctypes.create_string_buffer(64)
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)
"""


@pytest.fixture(scope="module")
def late(run_once: Callable[..., Journal]) -> Journal:
    return run_once({"tests.py": LATE}, timeouts=(TimeLimit("*.PatternTests.*", 1.0),))


def test_a_test_its_class_and_a_pattern_have_limits(late: Journal) -> None:
    assert late.outcomes() == {
        "OwnTests.test_1_has_a_limit_of_its_own": "TIMED_OUT",
        "OwnTests.test_2_has_the_runs": "PASSED",
        "ClassTests.setUpClass": "TIMED_OUT",
        "ClassTests.test_one": "NOT_RUN",
        "PatternTests.test_one": "TIMED_OUT",
        "StubbornTests.test_ignores_a_polite_request": "TIMED_OUT",
        "StubbornTests.test_takes_a_polite_request": "TIMED_OUT",
        "GracefulTests.test_1_ends_on_the_request": "TIMED_OUT",
        "GracefulTests.test_2_ends_when_it_is_looked_at": "TIMED_OUT",
        "GracefulTests.test_3_after": "PASSED",
        "GracefulSetUpTests.setUpClass": "TIMED_OUT",
        "GracefulSetUpTests.test_one": "NOT_RUN",
        "LockTests.test_holds_the_interpreter": "TIMED_OUT",
    }
    (failure,) = late.final("PatternTests.test_one").failures
    assert failure.message == "timed out after 1 s"


def test_a_late_end_is_reported_with_the_processes_left(late: Journal) -> None:
    graceful = late.final("test_1_ends_on_the_request")
    (failure,) = graceful.failures
    assert failure.message == "timed out after 1 s"
    assert "in test_1_ends_on_the_request" in failure.traceback
    assert "as PASSED, which does not count" in failure.traceback
    assert graceful.stdout == "printed by the late one\n"
    assert "asked to leave" in late.final("test_takes_a_polite_request").failures[0].traceback


def test_one_that_does_not_end_when_it_is_asked_to_is_killed(late: Journal) -> None:
    signals = {(lost.test or "").rpartition(".")[2]: lost.signal for lost in late.all(WorkerLost)}
    assert signals["test_ignores_a_polite_request"] == "SIGKILL"
    assert signals["test_holds_the_interpreter"] == "SIGTERM"


@pytest.mark.parametrize("mark", ["'soon'", "0", "True"])
def test_a_mark_that_is_no_time_is_the_projects_fault(project: MakeProject, run_project: RunTests, mark: str) -> None:
    lines = [
        "import unittest",
        "class T(unittest.TestCase):",
        f"    harness_timeout = {mark}",
        "    def test_one(self): pass",
    ]
    project({"tests.py": "\n".join(lines)})
    aborted = run_project("tests").aborted
    assert aborted.exit_code == 4
    assert "harness_timeout of tests.T.test_one" in aborted.message


RUN = """
import time, unittest

class ATests(unittest.TestCase):
    def test_1(self):
        time.sleep(600)
    def test_2(self):
        pass

class BTests(unittest.TestCase):
    def test_1(self):
        pass
"""


def test_the_run_as_a_whole_has_a_limit(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": RUN})
    journal = run_project("tests", workers=1, run_timeout_s=1.0)
    assert journal.outcomes() == {"ATests.test_1": "TIMED_OUT", "ATests.test_2": "NOT_RUN", "BTests.test_1": "NOT_RUN"}
    assert journal.final("ATests.test_1").failures[0].message == "timed out: the run's 1 s are over"
    assert journal.final("BTests.test_1").reason == "the run's 1 s are over"
    assert journal.status == 1


DEADLY = """
import os, time
from django.contrib.auth.models import Group
from django.db import connection
from django.test import TestCase

class Tests(TestCase):
    def test_1_dies(self):
        Group.objects.filter(name="x" * 1_000_000).exists()
        Group.objects.create(name="written before the end")
        os._exit(3)

    def test_2_waits(self):
        Group.objects.filter(name="read before the end").exists()
        connection.connection.create_function("wait", 0, lambda: time.sleep(600))
        with connection.cursor() as cursor:
            cursor.execute("SELECT wait()")
"""


@pytest.fixture(scope="module")
def deadly(run_once: Callable[..., Journal]) -> Journal:
    apps = 'INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]'
    return run_once({"tests.py": DEADLY}, apps, workers=1, timeout_s=1.0)


def test_the_sql_of_a_test_outlives_its_worker(deadly: Journal) -> None:
    statements = [f"{statement.sql} {statement.parameters}" for statement in deadly.final("test_1_dies").sql]
    assert any("INSERT INTO" in sql and "written before the end" in sql for sql in statements), statements
    assert all(len(sql) < 10_000 for sql in statements)
    waited = deadly.final("test_2_waits").sql
    assert [statement.sql for statement in waited][-1] == "SELECT wait()"
    assert not any("written before" in statement.sql for statement in waited)
    assert all(statement.duration > 0 for statement in waited[:-1])


def test_the_statement_in_flight_is_named(deadly: Journal) -> None:
    (failure,) = deadly.final("test_2_waits").failures
    assert "waiting for default (primary) since" in failure.traceback
    assert "SELECT wait()" in failure.traceback


EXITS = """
import atexit, time, unittest

def wait_for_ever():
    time.sleep(600)

class Tests(unittest.TestCase):
    def test_one(self):
        atexit.register(wait_for_ever)
"""


def test_an_exit_handler_that_hangs_is_reported_by_its_stack(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": EXITS})
    journal = run_project("tests", timeout_s=1.0)
    assert journal.outcomes() == {"Tests.test_one": "PASSED"}
    lost = journal.one(WorkerLost)
    assert (lost.signal, lost.fault) == ("SIGTERM", "project")
    assert "in wait_for_ever" in lost.evidence
