"""Tests and their own fixtures that end their process, or never end, in each phase. As in ``test_workers``."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from django.db import connection

from shop.models import Account
from tests.ways import exits, hangs


class Phases:
    """Each test has a fixture that says ``up`` and ``down``."""

    def up(self):
        pass

    def down(self):
        pass

    @pytest.fixture
    def thing(self):
        self.up()
        yield
        self.down()

    def test_1(self, thing):
        print("in the test")

    def test_2_after(self):
        pass


class SetUpDiesTests(Phases):
    """a crash in the set-up of a test's fixture"""

    expected = {"test_1": "CRASHED", "test_2_after": "PASSED"}
    shows = {"test_1": ("exited with status 3", "in the set-up")}

    def up(self):
        print("in the set-up")
        os._exit(3)


class SetUpExitsTests(Phases):
    """sys.exit in the set-up of a test's fixture"""

    expected = {"test_1": "ERRORED", "test_2_after": "PASSED"}
    shows = {"test_1": "SystemExit"}

    def up(self):
        exits()


class SetUpRaisesTests(Phases):
    """an exception in the set-up of a test's fixture"""

    expected = {"test_1": "ERRORED", "test_2_after": "PASSED"}

    def up(self):
        raise ValueError("in the set-up")


class SetUpHangsTests(Phases):
    """a hang in the set-up of a test's fixture"""

    expected = {"test_1": "TIMED_OUT", "test_2_after": "PASSED"}
    shows = {"test_1": ("in up", "timed out after 4 s")}

    def up(self):
        hangs()


class TearDownDiesTests(Phases):
    """a crash in the tear-down of a test's fixture"""

    expected = {"test_1": "CRASHED", "test_2_after": "PASSED"}
    shows = {"test_1": ("exited with status 3", "in the test", "in the tear-down")}

    def down(self):
        print("in the tear-down")
        os._exit(3)


class TearDownExitsTests(Phases):
    """sys.exit in the tear-down of a test's fixture"""

    expected = {"test_1": "PASSED", "test_1::teardown": "ERRORED", "test_2_after": "PASSED"}
    shows = {"test_1::teardown": "SystemExit"}

    def down(self):
        exits()


class TearDownRaisesTests(Phases):
    """an exception in the tear-down of a test's fixture"""

    expected = {"test_1": "PASSED", "test_1::teardown": "ERRORED", "test_2_after": "PASSED"}

    def down(self):
        raise ValueError("in the tear-down")


class TearDownHangsTests(Phases):
    """a hang in the tear-down of a test's fixture"""

    expected = {"test_1": "TIMED_OUT", "test_2_after": "PASSED"}
    shows = {"test_1": ("in down", "in the test")}

    def down(self):
        hangs()


class TearDownInterruptedTests(Phases):
    """KeyboardInterrupt in the tear-down of a test's fixture"""

    expected = {"test_1": "ERRORED", "test_2_after": "PASSED"}
    shows = {"test_1": "KeyboardInterrupt"}

    def down(self):
        raise KeyboardInterrupt


class ClassPhases(Phases):
    """The fixture is the class's."""

    @pytest.fixture(scope="class", autouse=True)
    def thing(self):
        self.up()
        yield
        self.down()

    def test_1(self):
        pass

    def test_2_after(self):
        pass


class ClassSetUpDiesTests(ClassPhases):
    """a crash in the set-up of a class's fixture: the first two may be chance"""

    expected = {"test_1": "CRASHED", "test_2_after": "CRASHED", "test_3_too": "NOT_RUN"}
    shows = {"test_1": "in the set-up of the class fixture thing of tests/test_phases.py::ClassSetUpDiesTests"}

    def up(self):
        os._exit(3)

    def test_3_too(self):
        pass


class ClassSetUpExitsTests(ClassPhases):
    """sys.exit in the set-up of a class's fixture"""

    expected = {"test_1": "ERRORED", "test_2_after": "ERRORED"}

    def up(self):
        exits()


class ClassTearDownDiesTests(ClassPhases):
    """a crash in the tear-down of a class's fixture, which the last test of the class does"""

    expected = {"test_1": "PASSED", "test_2_after": "CRASHED"}
    shows = {"test_2_after": "in its tear-down"}

    def down(self):
        os._exit(3)


class ClassTearDownExitsTests(ClassPhases):
    """sys.exit in the tear-down of a class's fixture"""

    expected = {"test_1": "PASSED", "test_2_after": "PASSED", "test_2_after::teardown": "ERRORED"}

    def down(self):
        exits()


class ClassTearDownHangsTests(ClassPhases):
    """a hang in the tear-down of a class's fixture"""

    expected = {"test_1": "PASSED", "test_2_after": "TIMED_OUT"}

    def down(self):
        hangs()


class GilTests:
    """a hang in C that holds the interpreter's lock"""

    expected = {"test_1": "TIMED_OUT", "test_2_after": "PASSED"}

    def test_1(self):
        mutex = ctypes.create_string_buffer(64)
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)

    def test_2_after(self):
        pass


class StubbornTests:
    """a hang that ignores SIGTERM"""

    expected = {"test_1": "TIMED_OUT", "test_2_after": "PASSED"}

    def test_1(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            hangs()

    def test_2_after(self):
        pass


class QueryTests:
    """a statement that does not end: it is named, with the server's view of it"""

    expected = {"test_1": "TIMED_OUT", "test_2_after": "PASSED"}
    shows = {"test_1": ("as its server sees it", "pg_sleep(1000)")}

    def test_1(self, transactional_db):
        Account.objects.create(name="before")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1000)")

    def test_2_after(self, transactional_db):
        assert not Account.objects.exists()


class OtherProcessTests:
    """processes and threads that a test leaves behind, and a daemon of a test that dies"""

    expected = {"test_1_leaves": "PASSED", "test_2_dies": "CRASHED", "test_3_the_daemon_is_gone": "PASSED"}

    def test_1_leaves(self):
        threading.Thread(target=hangs, daemon=True).start()
        subprocess.Popen(["sleep", "1000"], start_new_session=True)

    def test_2_dies(self):
        subprocess.Popen(["sleep", "987654"], start_new_session=True)
        os._exit(1)

    def test_3_the_daemon_is_gone(self):
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                assert "987654" not in Path(f"/proc/{name}/cmdline").read_text()
