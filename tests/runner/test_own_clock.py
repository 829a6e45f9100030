"""Tests patch the clock, the process and the sockets, and freeze time: the harness neither calls the patches nor sees them."""

from collections.abc import Callable

import pytest

from harness.protocol.events import WorkerLost
from tests.runner.conversation import Journal, MakeProject, RunTests

APPS = """
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
USE_TZ = True
"""

PATCHED = """
import os, signal, socket, subprocess, sys, time
from unittest import mock

from django.contrib.auth.models import Group
from django.test import TestCase

def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

class ClockTests(TestCase):
    @mock.patch("time.perf_counter", side_effect=[10.0, 12.5])
    def test_a_side_effect_is_used_by_the_test_alone(self, clock):
        self.assertEqual(timed(lambda: Group.objects.create(name="x")), 2.5)

    @mock.patch("time.perf_counter", return_value=float("nan"))
    def test_a_clock_that_says_nonsense(self, clock):
        Group.objects.count()

    @mock.patch("time.perf_counter", return_value=1.0)
    def test_a_clock_that_nobody_asked(self, clock):
        Group.objects.count()
        clock.assert_not_called()

    @mock.patch("time.time", side_effect=[1, 2])
    @mock.patch("time.monotonic", side_effect=[1, 2])
    @mock.patch("time.sleep", side_effect=AssertionError)
    def test_the_other_clocks(self, sleep, monotonic, wall):
        Group.objects.count()
        self.assertEqual([time.monotonic(), time.monotonic(), time.time(), time.time()], [1, 2, 1, 2])

    @mock.patch("os.getpid", return_value=1)
    def test_a_process_id_that_nobody_asked_for(self, getpid):
        Group.objects.count()
        getpid.assert_not_called()

    @mock.patch("os.getpid", side_effect=OSError)
    def test_a_process_without_an_id(self, getpid):
        self.assertEqual(Group.objects.count(), 0)

    @mock.patch("os.write", side_effect=OSError)
    @mock.patch("os._exit", side_effect=AssertionError)
    @mock.patch("json.dumps", side_effect=AssertionError)
    def test_what_writes(self, *mocks):
        self.assertEqual(Group.objects.count(), 0)

class ClassTests(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, value in (("time.perf_counter", 1.0), ("time.time", 0), ("os.getpid", 4242), ("os.umask", 0)):
            cls.enterClassContext(mock.patch(name, return_value=value))
        for name in ("sendall", "send", "recv", "recv_into", "connect"):
            cls.enterClassContext(mock.patch(f"socket.socket.{name}", side_effect=OSError("no network")))

    def test_1_passes(self):
        self.assertEqual(Group.objects.count(), 0)

    def test_2_fails(self):
        self.fail("honest")

    def test_3_errs(self):
        raise ValueError("honest")

class ForGoodTests(TestCase):
    def test_1(self):
        for name in ("time.perf_counter", "time.sleep", "os.getpid", "os.read", "os.write", "os._exit", "signal.signal"):
            mock.patch(name, side_effect=AssertionError(name)).start()

    def test_2(self):
        self.assertEqual(Group.objects.count(), 0)

class NextTests(TestCase):
    def test_1(self):
        self.assertEqual(Group.objects.count(), 0)
"""

FROZEN = """
import time

from django.contrib.auth.models import Group
from django.test import TestCase
from django.utils import timezone
from freezegun import freeze_time

FOR_GOOD = freeze_time("2001-01-01", auto_tick_seconds=3600)
FOR_GOOD.start()

class ForGoodTests(TestCase):
    def test_it_is_frozen(self):
        self.assertEqual(timezone.now().year, 2001)

    def test_only_the_test_moves_the_clock(self):
        before = timezone.now()
        Group.objects.create(name="x")
        Group.objects.count()
        self.assertEqual((timezone.now() - before).total_seconds(), 3600)

class NextTests(TestCase):
    def test_1_fails(self):
        self.fail("honest")
"""

TRAVELLING = """
import datetime, time, unittest

import time_machine

class TravellingTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        time_machine.travel(datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc), tick=False).start()

    def test_1(self):
        self.assertEqual(time.time(), time.time())

    def test_2_fails(self):
        self.fail("honest")

class UsualTests(unittest.TestCase):
    def test_1(self):
        self.assertEqual(time.gmtime().tm_year, 2040)
"""


@pytest.fixture
def journal_of(project: MakeProject, run_project: RunTests) -> Callable[[str], Journal]:
    def run(text: str) -> Journal:
        project({"tests.py": text}, APPS)
        journal = run_project("tests", workers=1, timeout_s=20.0)
        assert journal.all(WorkerLost) == []
        assert all(event.duration < 20.0 for event in journal.attempts), "a time that a test has set"
        times = [envelope.at for envelope in journal.envelopes]
        assert times == sorted(times)
        assert times[-1] - times[0] < 3600, "a time that a test has set"
        return journal

    return run


def test_what_tests_patch_is_called_by_the_tests_alone(journal_of: Callable[[str], Journal]) -> None:
    outcomes = journal_of(PATCHED).outcomes()
    assert {test: outcome for test, outcome in outcomes.items() if outcome != "PASSED"} == {
        "ClassTests.test_2_fails": "FAILED",
        "ClassTests.test_3_errs": "ERRORED",
    }
    assert len(outcomes) == 13


def test_time_that_freezegun_has_frozen_is_the_tests_alone(journal_of: Callable[[str], Journal]) -> None:
    outcomes = journal_of(FROZEN).outcomes()
    assert {test: outcome for test, outcome in outcomes.items() if outcome != "PASSED"} == {
        "NextTests.test_1_fails": "FAILED"
    }
    assert len(outcomes) == 3


def test_time_that_time_machine_has_moved_is_the_tests_alone(journal_of: Callable[[str], Journal]) -> None:
    assert journal_of(TRAVELLING).outcomes() == {
        "TravellingTests.test_1": "PASSED",
        "TravellingTests.test_2_fails": "FAILED",
        "UsualTests.test_1": "PASSED",
    }


SIGINT = """
import os, signal, subprocess, sys, unittest

CHILD = "import os, signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"

class Tests(unittest.TestCase):
    def test_the_handler_is_pythons(self):
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_a_test_may_interrupt_itself(self):
        with self.assertRaises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([signal.SIGUSR2], 5)

    def test_a_child_takes_it_too(self):
        out = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True).stdout
        self.assertEqual(out, "True\\n")
"""


def test_sigint_is_what_python_has_by_default(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": SIGINT})
    assert set(run_project("tests").outcomes().values()) == {"PASSED"}
