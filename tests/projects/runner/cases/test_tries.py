import os
import unittest
from pathlib import Path

FOLDER = Path(os.environ.get("RUNNER_DIR", ""))


def tries_before(name):
    """How often the test *name* was tried before, over all processes."""
    file = FOLDER / name
    with file.open("a") as stream:
        stream.write("x")
    return len(file.read_text()) - 1


class FlakyTests(unittest.TestCase):
    def test_1_fails_once(self):
        print(f"process {os.getpid()}")
        self.assertGreater(tries_before("fails once"), 0)

    def test_2_dies_once(self):
        if not tries_before("dies once"):
            os._exit(1)

    def test_3_always_fails(self):
        self.fail(f"try {tries_before('always fails')}")

    def test_4_passes(self):
        self.assertEqual(tries_before("passes"), 0)


class ManyTests(unittest.TestCase):
    pass


def fails(self):
    self.fail("as ever")


for _number in range(12):
    setattr(ManyTests, f"test_{_number:02}", fails)
