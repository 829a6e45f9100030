"""Workers that die in the call of a test. Each class is a fault: its first line says which, ``expected`` what must come of it."""

import ctypes
import os
import signal
import subprocess
import sys

import pytest

from shop.models import Account
from tests.ways import is_killed


class Before:
    """Something of the class ran before, and something is left to run."""

    expected = {"test_1_before": "PASSED", "test_2_dies": "CRASHED", "test_3_after": "PASSED"}

    @pytest.fixture(scope="class")
    def thing(self):
        return [os.getpid()]

    def test_1_before(self, db, thing):
        Account.objects.create(name="before")

    def test_2_dies(self, db, thing):
        self.die()

    def test_3_after(self, db, thing):
        assert not Account.objects.exists()
        assert thing == [os.getpid()]


class SegfaultTests(Before):
    """a segmentation fault; the rest of the class has its fixture set up again"""

    shows = {"test_2_dies": ("died with SIGSEGV", "Segmentation fault", "in die", "its last words", "its last error", "the last write")}

    def die(self):
        print("its last words")
        print("its last error", file=sys.stderr)
        Account.objects.create(name="the last write")
        ctypes.string_at(0)


class ExitTests(Before):
    """os._exit(3)"""

    shows = {"test_2_dies": "exited with status 3"}

    def die(self):
        os._exit(3)


class ExitZeroTests(Before):
    """os._exit(0), as if all were well"""

    def die(self):
        os._exit(0)


class AbortTests(Before):
    """os.abort"""

    def die(self):
        os.abort()


class KilledTests(Before):
    """SIGKILL of itself"""

    shows = {"test_2_dies": "died with SIGKILL"}

    def die(self):
        is_killed()


class TerminatedTests(Before):
    """SIGTERM from another process"""

    shows = {"test_2_dies": "died with SIGTERM"}

    def die(self):
        subprocess.run(["sh", "-c", f"kill -TERM {os.getpid()}"], check=False)
        signal.pause()


class SysExitTests(Before):
    """sys.exit, which pytest reports as a failure"""

    expected = {"test_1_before": "PASSED", "test_2_dies": "FAILED", "test_3_after": "PASSED"}
    shows = {"test_2_dies": "SystemExit"}

    def die(self):
        sys.exit(1)


class InterruptTests(Before):
    """KeyboardInterrupt raised by a test"""

    expected = {"test_1_before": "PASSED", "test_2_dies": "ERRORED", "test_3_after": "PASSED"}
    shows = {"test_2_dies": "KeyboardInterrupt"}

    def die(self):
        raise KeyboardInterrupt


class SignalledTests(Before):
    """SIGINT to a test's own process"""

    expected = {"test_1_before": "PASSED", "test_2_dies": "ERRORED", "test_3_after": "PASSED"}
    shows = {"test_2_dies": "KeyboardInterrupt"}

    def die(self):
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()


class GeneratorExitTests(Before):
    """an exception that is no Exception"""

    expected = {"test_1_before": "PASSED", "test_2_dies": "FAILED", "test_3_after": "PASSED"}

    def die(self):
        raise GeneratorExit("as if it were a generator's")


class CommittedTests:
    """a crash after a commit: the rest has fresh clones"""

    expected = {"test_1_dies": "CRASHED", "test_2_finds_nothing": "PASSED"}

    def test_1_dies(self, transactional_db):
        Account.objects.create(name="committed")
        os._exit(1)

    def test_2_finds_nothing(self, transactional_db):
        assert not Account.objects.exists()


class ForkTests:
    """a test that forks, and its child goes on as if it were the worker"""

    expected = {"test_1_forks": "PASSED", "test_2_after": "PASSED"}

    def test_1_forks(self, db):
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)

    def test_2_after(self, db):
        pass


class ForkRaisesTests:
    """a test that forks, and its child raises, exits and is interrupted"""

    expected = {"test_1_forks": "PASSED", "test_2_forks": "PASSED", "test_3_forks": "PASSED", "test_4_after": "PASSED"}

    def fork(self, error):
        pid = os.fork()
        if not pid:
            raise error
        os.waitpid(pid, 0)

    def test_1_forks(self):
        self.fork(ValueError("of the child"))

    def test_2_forks(self):
        self.fork(SystemExit(0))

    def test_3_forks(self):
        self.fork(KeyboardInterrupt())

    def test_4_after(self):
        pass


class ChildTests:
    """a process that is left behind with the test's output open"""

    expected = {"test_1": "PASSED", "test_2": "PASSED"}

    def test_1(self):
        subprocess.Popen(["sleep", "1000"])

    def test_2(self):
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
