"""Workers that die. Each class is a fault: its first line says which, ``expected`` what must come of each test."""

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import unittest

from django.db import connection
from django.test import TestCase, TransactionTestCase

from shop.models import Account


class Before:
    """Something of the class ran before, and something is left to run."""

    expected = {"test_1_before": "PASSED", "test_2_dies": "CRASHED", "test_3_after": "PASSED"}

    def test_1_before(self):
        Account.objects.create(name="before")

    def test_3_after(self):
        self.assertFalse(Account.objects.exists())


class SegfaultTests(Before, TestCase):
    """a segmentation fault"""

    shows = {
        "test_2_dies": ("died with SIGSEGV", "Segmentation fault", "in test_2_dies", "its last words", "the last write")
    }

    def test_2_dies(self):
        print("its last words")
        Account.objects.create(name="the last write")
        ctypes.string_at(0)


class ExitTests(Before, TestCase):
    """os._exit(3)"""

    shows = {"test_2_dies": "exited with status 3"}

    def test_2_dies(self):
        os._exit(3)


class ExitZeroTests(Before, TestCase):
    """os._exit(0), as if all were well"""

    def test_2_dies(self):
        os._exit(0)


class AbortTests(Before, TestCase):
    """os.abort"""

    def test_2_dies(self):
        os.abort()


class KilledTests(Before, TestCase):
    """SIGKILL from another process"""

    shows = {"test_2_dies": "died with SIGKILL"}

    def test_2_dies(self):
        subprocess.run(["sh", "-c", f"kill -KILL {os.getpid()}"], check=False)
        signal.pause()


class TerminatedTests(Before, TestCase):
    """SIGTERM from another process"""

    def test_2_dies(self):
        subprocess.run(["sh", "-c", f"kill -TERM {os.getpid()}"], check=False)
        signal.pause()


class BusError(Before, TestCase):
    """SIGBUS"""

    def test_2_dies(self):
        os.kill(os.getpid(), signal.SIGBUS)


class CommittedTests(TransactionTestCase):
    """a crash after a commit: the rest has fresh clones"""

    expected = {"test_1_dies": "CRASHED", "test_2_finds_nothing": "PASSED"}

    def test_1_dies(self):
        Account.objects.create(name="committed")
        os._exit(1)

    def test_2_finds_nothing(self):
        self.assertFalse(Account.objects.exists())


class LockedTests(TransactionTestCase):
    """a crash in the middle of a transaction that holds locks"""

    expected = {"test_1_dies": "CRASHED", "test_2_writes": "PASSED"}

    def test_1_dies(self):
        connection.set_autocommit(False)
        Account.objects.create(name="locked")
        os._exit(1)

    def test_2_writes(self):
        Account.objects.create(name="locked")


class SysExitTests(Before, TestCase):
    """sys.exit"""

    expected = {"test_1_before": "PASSED", "test_2_dies": "ERRORED", "test_3_after": "PASSED"}

    def test_2_dies(self):
        sys.exit(1)


class SetUpDies(unittest.TestCase):
    """a crash in setUp"""

    expected = {"test_1": "CRASHED", "test_2": "CRASHED"}

    def setUp(self):
        os._exit(1)

    def test_1(self):
        pass

    def test_2(self):
        pass


class TearDownDies(Before, TestCase):
    """a crash in tearDown"""

    expected = {"test_1_before": "CRASHED", "test_2_dies": "CRASHED", "test_3_after": "CRASHED"}

    def test_2_dies(self):
        pass

    def tearDown(self):
        os._exit(1)


class CleanupDies(unittest.TestCase):
    """a crash in a cleanup"""

    expected = {"test_1": "CRASHED", "test_2": "PASSED"}

    def test_1(self):
        self.addCleanup(os._exit, 1)

    def test_2(self):
        pass


class SetUpClassDies(unittest.TestCase):
    """a crash in setUpClass"""

    expected = {"setUpClass": "CRASHED", "test_1": "NOT_RUN", "test_2": "NOT_RUN"}

    @classmethod
    def setUpClass(cls):
        os._exit(1)

    def test_1(self):
        pass

    def test_2(self):
        pass


class TearDownClassDies(unittest.TestCase):
    """a crash in tearDownClass"""

    expected = {"test_1": "PASSED", "tearDownClass": "CRASHED"}

    @classmethod
    def tearDownClass(cls):
        os._exit(1)

    def test_1(self):
        pass


class BetweenTests(unittest.TestCase):
    """a crash right behind a test's own end, before its result is told"""

    expected = {"test_1": "CRASHED", "test_2": "PASSED", "test_3": "PASSED"}

    def __call__(self, result):
        super().__call__(result)
        if self._testMethodName == "test_1":
            os._exit(1)

    def test_1(self):
        pass

    def test_2(self):
        pass

    def test_3(self):
        pass


class ForkTests(TestCase):
    """a test that forks, and its child goes on as if it were the worker"""

    expected = {"test_1_forks": "PASSED", "test_2_after": "PASSED"}

    def test_1_forks(self):
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)

    def test_2_after(self):
        pass


class ChildTests(unittest.TestCase):
    """a process that is left behind with the test's output open"""

    expected = {"test_1": "PASSED", "test_2": "PASSED"}

    def test_1(self):
        subprocess.Popen(["sleep", "1000"])

    def test_2(self):
        subprocess.Popen(["sleep", "1000"], start_new_session=True)


class ExitHandlerTests(unittest.TestCase):
    """an exit handler that ends the process with another status"""

    expected = {"test_1": "PASSED"}

    def test_1(self):
        atexit.register(os._exit, 9)
