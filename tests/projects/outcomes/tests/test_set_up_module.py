import unittest

from expectations import expect

EXPECTED_CASES = {"setUpModule": "ERRORED"}


def setUpModule():
    raise RuntimeError("in setUpModule")


class FirstTests(unittest.TestCase):
    @expect("NOT_RUN")
    def test_one(self):
        pass


class SecondTests(unittest.TestCase):
    @expect("NOT_RUN")
    def test_one(self):
        pass
