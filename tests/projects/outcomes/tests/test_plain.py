"""One test of each kind that unittest knows, on each of the classes without a database."""

import sys
import unittest

from django.test import SimpleTestCase

from expectations import expect


class UnittestTests(unittest.TestCase):
    @expect("PASSED")
    def test_passes(self):
        self.assertEqual(1 + 1, 2)

    @expect("FAILED")
    def test_fails(self):
        self.assertEqual(1 + 1, 3)

    @expect("FAILED")
    def test_fails_with_a_long_difference(self):
        self.assertEqual([f"line {n}" for n in range(200)], [f"line {n * 2}" for n in range(200)])

    @expect("FAILED")
    def test_fails_by_fail(self):
        self.fail("as it was told to")

    @expect("FAILED")
    def test_fails_with_an_empty_message(self):
        raise AssertionError

    @expect("ERRORED")
    def test_errs(self):
        return {}["nothing"]

    @expect("SKIPPED")
    @unittest.skip("by a decorator")
    def test_skipped_by_a_decorator(self):
        self.fail("never")

    @unittest.skipIf(sys.version_info > (3,), "by a condition")
    @expect("SKIPPED")
    def test_skipped_by_a_condition(self):
        self.fail("never")

    @expect("SKIPPED")
    def test_skipped_by_itself(self):
        self.skipTest("by itself")

    @expect("SKIPPED")
    def test_skipped_without_a_reason(self):
        raise unittest.SkipTest

    @expect("XFAILED")
    @unittest.expectedFailure
    def test_expected_failure(self):
        self.assertEqual(1, 2)

    @expect("XFAILED")
    @unittest.expectedFailure
    def test_expected_failure_that_errs(self):
        raise RuntimeError("expected")

    @expect("XPASSED")
    @unittest.expectedFailure
    def test_unexpected_success(self):
        """Has a docstring, which is no part of its name."""

    @expect("SKIPPED")
    @unittest.expectedFailure
    def test_skipped_though_expected_to_fail(self):
        self.skipTest("before it could fail")

    @expect("ERRORED")
    def test_asks_to_exit(self):
        sys.exit(0)

    @expect("ERRORED")
    def test_asks_to_exit_with_a_message(self):
        raise SystemExit("the message of an exit")


class SimpleTests(SimpleTestCase):
    @expect("PASSED")
    def test_passes(self):
        self.assertHTMLEqual("<p>a</p>", "<p> a </p>")

    @expect("FAILED")
    def test_fails(self):
        self.assertHTMLEqual("<p>a</p>", "<p>b</p>")

    @expect("PASSED")
    async def test_asynchronous(self):
        self.assertTrue(True)

    @expect("FAILED")
    async def test_asynchronous_and_fails(self):
        self.assertTrue(False)

    @expect("FAILED")
    def test_forbidden_query(self):
        from bank.models import Account

        Account.objects.count()


@unittest.skip("the whole class")
class SkippedTests(SimpleTestCase):
    @expect("SKIPPED")
    def test_one(self):
        self.fail("never")

    @expect("SKIPPED")
    def test_two(self):
        self.fail("never")


class IsolatedTests(unittest.IsolatedAsyncioTestCase):
    @expect("PASSED")
    async def test_passes(self):
        self.assertEqual(1, 1)

    @expect("FAILED")
    async def test_fails(self):
        self.assertEqual(1, 2)
