"""Tests that write in the name of the runner. As in ``test_workers``: each may lie about itself, and about no other."""

import contextlib
import ctypes
import json
import os
import stat
import unittest


def event(**fields):
    return json.dumps(fields).encode() + b"\n"


VICTIM = "tests.test_forgery.VictimTests.test_1"
PASSED = {"type": "AttemptFinished", "test": VICTIM, "n": 1, "outcome": "PASSED", "duration": 0.1}


class SocketTests(unittest.TestCase):
    """an event of another test on the worker's socket"""

    expected = {"test_1": "ERRORED", "test_2_after": "PASSED"}
    shows = {"test_1": "a line on a worker's socket that its worker cannot have written"}

    def test_1(self):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    os.write(int(name), event(**PASSED))

    def test_2_after(self):
        pass


class FirstProcessTests(unittest.TestCase):
    """lines and events of another test on the output of the container's first process"""

    expected = {"test_1_logs": "PASSED", "test_2_forges": "PASSED", "test_3_tells_the_runner_to_stop": "PASSED"}

    def write(self, descriptor, data):
        fd = os.open(f"/proc/1/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
        os.write(fd, data)
        os.close(fd)

    def test_1_logs(self):
        self.write(1, b"a log line, as many images have it\n")

    def test_2_forges(self):
        self.write(1, event(v=1, seq=99999, at=1.0, slot=1, final=True, **PASSED))
        self.write(1, b"half a line of the journal")

    def test_3_tells_the_runner_to_stop(self):
        self.write(0, event(type="Stop", reason="forged", exit_code=0))


class ProcTests(unittest.TestCase):
    """the descriptors and the memory of the process that workers come from"""

    expected = {"test_1_files": "PASSED", "test_2_calls": "PASSED"}

    def test_1_files(self):
        for name in ("fd", "mem", "environ", "maps", "map_files"):
            path = f"/proc/{os.getppid()}/{name}"
            with self.assertRaises(PermissionError, msg=path):
                os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)

    def test_2_calls(self):
        libc = ctypes.CDLL(None, use_errno=True)
        attach, pidfd_open, pidfd_getfd, readv = 16, 434, 438, 310
        self.assertEqual(libc.ptrace(attach, os.getppid(), 0, 0), -1)
        self.assertEqual(libc.syscall(readv, os.getppid(), 0, 0, 0, 0, 0), -1)
        pidfd = libc.syscall(pidfd_open, os.getppid(), 0)
        if pidfd >= 0:
            self.assertEqual([fd for fd in range(1100) if libc.syscall(pidfd_getfd, pidfd, fd, 0) >= 0], [])


class VictimTests(unittest.TestCase):
    """the test that all of these were about"""

    expected = {"test_1": "FAILED"}

    def test_1(self):
        self.fail("honest")
