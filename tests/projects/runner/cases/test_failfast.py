"""The first class fails once the second is under way, which waits to hear of it."""

import os
import time
import unittest
from pathlib import Path

FOLDER = Path(os.environ.get("RUNNER_DIR", ""))


class FailsTests(unittest.TestCase):
    def test_1_fails(self):
        deadline = time.monotonic() + 60
        while not (FOLDER / "is under way").exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        self.fail("the first")

    def test_2_never_runs(self):
        pass


class WaitsTests(unittest.TestCase):
    def test_1_is_under_way(self):
        (FOLDER / "is under way").touch()
        time.sleep(1)

    def test_2_never_runs(self):
        pass


class YetOthersTests(unittest.TestCase):
    def test_1_never_runs(self):
        pass
