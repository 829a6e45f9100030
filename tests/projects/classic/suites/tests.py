"""A module with a function ``suite()``: Django up to 1.5 ran what it returns, and nothing else of the module."""

import unittest


class ChosenTests(unittest.TestCase):
    def test_first(self):
        self.assertTrue(suite)

    def test_second(self):
        self.assertTrue(suite)

    def test_not_chosen(self):
        self.fail("suite() leaves this out")


def check_of_a_function():
    assert suite() is not suite()


def suite():
    chosen = unittest.TestSuite(map(ChosenTests, ["test_second", "test_first"]))
    chosen.addTest(unittest.FunctionTestCase(check_of_a_function))
    return chosen
