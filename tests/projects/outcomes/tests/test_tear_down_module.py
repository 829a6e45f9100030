import unittest

from expectations import expect

EXPECTED_CASES = {"tearDownModule": "ERRORED"}


def tearDownModule():
    raise RuntimeError("in tearDownModule")


class OnlyTests(unittest.TestCase):
    @expect("PASSED")
    def test_one(self):
        pass
