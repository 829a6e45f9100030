import unittest

from expectations import expect


class SubTests(unittest.TestCase):
    @expect("PASSED")
    def test_all_pass(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertLess(number, 3)

    @expect("FAILED")
    def test_two_of_three_fail(self):
        for currency in ("GBP", "EUR", "JPY"):
            with self.subTest(currency=currency):
                self.assertEqual(currency, "GBP")

    @expect("ERRORED")
    def test_one_errs(self):
        for divisor in (1, 0, 2):
            with self.subTest("dividing", divisor=divisor):
                self.assertGreaterEqual(2 / divisor, 1)

    @expect("ERRORED")
    def test_one_fails_and_one_errs(self):
        for divisor in (4, 0):
            with self.subTest(divisor=divisor):
                self.assertGreaterEqual(2 / divisor, 1)

    @expect("FAILED")
    def test_one_fails_and_then_the_test_does(self):
        with self.subTest("inside"):
            self.fail("inside")
        self.fail("outside")

    @expect("FAILED")
    def test_nested(self):
        for outer in range(2):
            with self.subTest(outer=outer):
                for inner in range(2):
                    with self.subTest(inner=inner):
                        self.assertNotEqual((outer, inner), (1, 1))

    @expect("SKIPPED")
    def test_one_skips_and_the_others_pass(self):
        for number in range(3):
            with self.subTest(number=number):
                if number == 1:
                    self.skipTest("this number alone")

    @expect("FAILED")
    def test_one_skips_and_one_fails(self):
        for number in range(3):
            with self.subTest(number=number):
                if number == 1:
                    self.skipTest("this number alone")
                self.assertNotEqual(number, 2)

    @expect("FAILED")
    def test_parameters_that_print_badly(self):
        for thing in (object(), "a\nb", "\x1b[31mred\x1b[0m", "\udcff", "x" * 500):
            with self.subTest(thing=thing):
                self.fail("with a strange parameter")

    @expect("XFAILED")
    @unittest.expectedFailure
    def test_expected_to_fail(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)

    @expect("XPASSED")
    @unittest.expectedFailure
    def test_expected_to_fail_and_does_not(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertLess(number, 3)

    @expect("FAILED")
    def test_many_fail(self):
        for number in range(150):
            with self.subTest(number=number):
                self.assertEqual(number % 2, 0)
