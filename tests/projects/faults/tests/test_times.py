"""Tests that take too long; 4 seconds are theirs. As in ``test_workers``."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
import unittest
from pathlib import Path

from django.db import connection, connections, transaction
from django.test import TestCase, TransactionTestCase

from shop.models import Account


class SleepTests(TestCase):
    """a hang in Python"""

    expected = {"test_1_hangs": "TIMED_OUT", "test_2_after": "PASSED"}
    shows = {"test_1_hangs": "in test_1_hangs"}

    def test_1_hangs(self):
        time.sleep(1000)

    def test_2_after(self):
        pass


class OwnLimitTests(unittest.TestCase):
    """a hang of a test with a limit of its own"""

    harness_timeout = 1
    expected = {"test_1": "TIMED_OUT"}
    shows = {"test_1": "timed out after 1 s"}

    def test_1(self):
        time.sleep(1000)


class GilTests(unittest.TestCase):
    """a hang in C that holds the interpreter's lock"""

    expected = {"test_1": "TIMED_OUT"}

    def test_1(self):
        mutex = ctypes.create_string_buffer(64)
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)


class StubbornTests(unittest.TestCase):
    """a hang that ignores SIGTERM"""

    expected = {"test_1": "TIMED_OUT"}

    def test_1(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1000)


class GracefulTests(unittest.TestCase):
    """a hang that ends gracefully on SIGTERM, after its limit"""

    expected = {"test_1": "TIMED_OUT", "test_2_after": "PASSED"}
    shows = {"test_1": "as PASSED, which does not count"}

    def test_1(self):
        self.is_asked = False
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "is_asked", True))
        while not self.is_asked:
            time.sleep(0.1)

    def test_2_after(self):
        self.assertIs(signal.getsignal(signal.SIGTERM), signal.SIG_DFL)


class GroupTests(unittest.TestCase):
    """a hang that has left its process group, with a daemon in a session of its own"""

    expected = {"test_1": "TIMED_OUT", "test_2_the_daemon_is_gone": "PASSED"}

    def test_1(self):
        subprocess.Popen(["sleep", "987654"], start_new_session=True)
        os.setpgid(0, os.getpgid(os.getppid()))
        time.sleep(1000)

    def test_2_the_daemon_is_gone(self):
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                self.assertNotIn("987654", Path(f"/proc/{name}/cmdline").read_text())


class StubbornChildTests(unittest.TestCase):
    """a wait for a child that ignores SIGTERM"""

    expected = {"test_1": "TIMED_OUT"}

    def test_1(self):
        subprocess.run(["sh", "-c", "trap '' TERM; sleep 1000"], check=False)


class PipeTests(unittest.TestCase):
    """a wait for a pipe that nobody writes to"""

    expected = {"test_1": "TIMED_OUT"}

    def test_1(self):
        os.read(os.pipe()[0], 1)


class ThreadTests(unittest.TestCase):
    """a hang in a thread: all stacks are shown"""

    expected = {"test_1": "TIMED_OUT"}
    shows = {"test_1": "in wait_in_a_thread"}

    def wait_in_a_thread(self):
        time.sleep(1000)

    def test_1(self):
        thread = threading.Thread(target=self.wait_in_a_thread, daemon=True)
        thread.start()
        thread.join()


class SetUpClassHangs(unittest.TestCase):
    """a hang in setUpClass"""

    expected = {"setUpClass": "TIMED_OUT", "test_1": "NOT_RUN"}

    @classmethod
    def setUpClass(cls):
        time.sleep(1000)

    def test_1(self):
        pass


class TearDownClassHangs(unittest.TestCase):
    """a hang in tearDownClass"""

    expected = {"test_1": "PASSED", "tearDownClass": "TIMED_OUT"}

    @classmethod
    def tearDownClass(cls):
        time.sleep(1000)

    def test_1(self):
        pass


class TearDownHangs(unittest.TestCase):
    """a hang in tearDown"""

    expected = {"test_1": "TIMED_OUT"}

    def tearDown(self):
        time.sleep(1000)

    def test_1(self):
        pass


class QueryTests(TransactionTestCase):
    """a statement that does not end: it is named, with the server's view of it"""

    expected = {"test_1": "TIMED_OUT", "test_2_after": "PASSED"}
    shows = {"test_1": "as its server sees it"}
    SLEEP = {"postgresql": "SELECT pg_sleep(1000)", "mysql": "SELECT sleep(1000)"}

    def test_1(self):
        Account.objects.create(name="before")
        with connection.cursor() as cursor:
            cursor.execute(self.SLEEP[connection.vendor])

    def test_2_after(self):
        self.assertFalse(Account.objects.exists())


class DeadlockTests(TransactionTestCase):
    """a deadlock between two connections of one test: it is called that"""

    expected = {"test_1": "TIMED_OUT", "test_2_after": "PASSED"}
    shows = {"test_1": "Deadlock between two connections of this test"}

    def test_1(self):
        Account.objects.create(name="both")
        other = connections.create_connection("default")
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("UPDATE shop_account SET balance = 1")
        with transaction.atomic():
            Account.objects.update(balance=2)

    def test_2_after(self):
        Account.objects.create(name="both")
