"""Names that are hard to put into a file name, a report or a table."""

import unittest

from expectations import expect


class GeneratedTests(unittest.TestCase):
    """As made by the libraries for parametrised tests."""


def price_test(currency, outcome):
    @expect(outcome)
    def test(self):
        self.assertIn(currency, ("GBP", "EUR/€ 10%", "<&\"'>"))

    return test


for _currency, _outcome in {
    "GBP": "PASSED",
    "EUR/€ 10%": "PASSED",
    "<&\"'>": "PASSED",
    "../../etc": "FAILED",
    "a b\tc": "FAILED",
    "x" * 200: "FAILED",
}.items():
    setattr(GeneratedTests, f"test_price[{_currency}]", price_test(_currency, _outcome))


class Contract:
    """Tests that several classes share; not a test itself."""

    @expect("PASSED")
    def test_inherited(self):
        self.assertTrue(self.subject)

    @expect("FAILED")
    def test_inherited_and_fails(self):
        self.assertFalse(self.subject, type(self).__name__)


class FirstContractTests(Contract, unittest.TestCase):
    subject = "first"


class SecondContractTests(Contract, unittest.TestCase):
    subject = "second"


def make_class():
    class MadeTests(unittest.TestCase):
        @expect("FAILED")
        def test_in_a_class_of_a_function(self):
            self.fail("here")

    return MadeTests


MadeTests = make_class()


class ÜnicodeTests(unittest.TestCase):
    @expect("FAILED")
    def test_größe(self):
        self.assertEqual("Größe", "size")
