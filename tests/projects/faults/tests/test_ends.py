"""Workers that die when their tests have passed. What they said last is told."""

import atexit
import os
import signal
import unittest


class ExitTests(unittest.TestCase):
    def test_1(self):
        atexit.register(os._exit, 3)


class SegfaultTests(unittest.TestCase):
    def test_1(self):
        atexit.register(os.kill, os.getpid(), signal.SIGSEGV)
