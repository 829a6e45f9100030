"""Subtests of pytest 9, and those of unittest."""

import unittest

import pytest

needs_subtests = pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest 9 has subtests")


@needs_subtests
def test_subtests_pass(subtests):
    for number in range(3):
        with subtests.test("positive", number=number):
            assert number >= 0


@needs_subtests
def test_one_subtest_fails(subtests):
    for number in range(3):
        with subtests.test(msg="small", number=number):
            assert number != 1


@needs_subtests
def test_two_subtests_fail(subtests):
    for number in range(3):
        with subtests.test(number=number):
            assert number == 0


@needs_subtests
def test_a_subtest_and_the_test_fail(subtests):
    with subtests.test("first"):
        assert 0, "the subtest"
    assert 0, "the test"


@needs_subtests
def test_a_subtest_skips(subtests):
    with subtests.test("skips"):
        pytest.skip("this one")
    with subtests.test("passes"):
        pass


@needs_subtests
def test_a_subtest_xfails(subtests):
    with subtests.test("known"):
        pytest.xfail("known")


@needs_subtests
@pytest.mark.xfail(reason="known")
def test_xfail_with_a_subtest_that_fails(subtests):
    with subtests.test("fails"):
        assert 0


def test_unknown_on_pytest_8(subtests):
    """On pytest 8, no fixture of that name."""
    with subtests.test("passes"):
        pass


class SubTests(unittest.TestCase):
    def test_pass(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertGreaterEqual(number, 0)

    def test_one_fails(self):
        for number in range(3):
            with self.subTest("small", number=number):
                self.assertNotEqual(number, 1)

    def test_several_fail(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertEqual(number, 0)

    def test_one_errs(self):
        with self.subTest("errs"):
            raise ValueError("in a subtest")

    def test_one_skips(self):
        with self.subTest("skips"):
            self.skipTest("this one")
        with self.subTest("passes"):
            pass
