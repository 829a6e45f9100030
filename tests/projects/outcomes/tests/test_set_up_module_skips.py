import unittest

from expectations import expect


def setUpModule():
    raise unittest.SkipTest("in setUpModule")


class FirstTests(unittest.TestCase):
    @expect("SKIPPED")
    def test_one(self):
        self.fail("never")


class SecondTests(unittest.TestCase):
    @expect("SKIPPED")
    def test_one(self):
        self.fail("never")
