"""What tests do to the process they run in, and what the next class must not see of it."""

import gc
import io
import os
import subprocess
import sys
import tempfile
import unittest

import django.test.runner
from django.test import TestCase

FORGED = b'{"v":1,"seq":1,"at":0,"slot":1,"type":"RunFinished","failures":0}\n'


class GuessingTests(TestCase):
    def test_1_writes_to_every_low_descriptor(self):
        for fd in range(21):
            try:
                os.write(fd, FORGED)
            except OSError:
                continue

    def test_2_closes_every_low_descriptor(self):
        os.closerange(3, 256)

    def test_3_after(self):
        pass


class InputTests(unittest.TestCase):
    def test_is_empty(self):
        self.assertEqual(sys.stdin.read(), "")
        self.assertEqual(os.read(0, 1), b"")
        with self.assertRaises(EOFError):
            input()

    def test_of_a_child_is_empty(self):
        program = "import sys; print(repr(sys.stdin.read()))"
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        self.assertEqual(result.stdout, "''\n")


class ClosingTests(unittest.TestCase):
    def test_1_closes_its_output(self):
        os.close(1)
        os.close(2)

    def test_2_prints(self):
        print("printed after the closing")
        self.fail("to be shown")


class LeavingTests(unittest.TestCase):
    def test_1_goes_where_nothing_is(self):
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)

    def test_2_replaces_stdout(self):
        sys.stdout = io.StringIO()
        sys.stderr = None


class NextTests(unittest.TestCase):
    def test_is_at_home(self):
        self.assertTrue(os.path.exists("manage.py"))
        print("printed by the next class")
        self.fail("to be shown")


class ForkingTests(TestCase):
    def test_1_forks_and_the_child_raises(self):
        pid = os.fork()
        if pid == 0:
            raise RuntimeError("in the child alone")
        os.waitpid(pid, 0)

    def test_2_after(self):
        pass


class NumberTests(unittest.TestCase):
    def test_worker_is_numbered_as_django_numbers_its_own(self):
        print(f"worker {django.test.runner._worker_id}")
        self.fail("to be shown")


class GarbageTests(unittest.TestCase):
    def test_is_collected_as_python_does(self):
        script = "import gc; print(gc.get_threshold())"
        usual = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        self.assertEqual(f"{gc.get_threshold()}\n", usual)


class ChildTests(unittest.TestCase):
    def test_leaves_a_child_running(self):
        subprocess.Popen(["sleep", "600"])

    def test_leaves_a_child_running_and_dies(self):
        subprocess.Popen(["sleep", "600"])
        os._exit(1)
