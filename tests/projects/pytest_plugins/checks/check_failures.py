import logging
import unittest
import warnings

import pytest


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.lock = lambda: two


def test_group():
    raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])


def test_cause():
    try:
        raise ValueError("first")
    except ValueError as error:
        raise TypeError("second") from error


def test_unprintable():
    raise Unprintable


def test_unpicklable():
    raise Unpicklable(1, 2)


def test_huge():
    assert "x" * 1_000_000 == "y"


def test_without_traceback():
    pytest.fail("plain reason", pytrace=False)


def test_records():
    print("printed")
    logging.getLogger("shop").warning("logged")
    warnings.warn("careful", UserWarning)
    raise ValueError("after output")


class Classic(unittest.TestCase):
    def test_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)

    @unittest.expectedFailure
    def test_expected(self):
        self.fail("known")

    @unittest.expectedFailure
    def test_unexpected(self):
        pass

    @unittest.skip("not now")
    def test_skipped(self):
        pass

    def test_cleanup(self):
        self.addCleanup(self.fail, "in the clean-up")

    def test_skips(self):
        self.skipTest("half-way")


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.number = 1

    async def test_async(self):
        self.assertEqual(self.number, 1)


def test_subtests(subtests):
    for number in range(3):
        with subtests.test(number=number):
            assert number != 1


class TestMarked:
    @pytest.mark.xfail(reason="known")
    def test_xfail(self):
        raise ValueError

    @pytest.mark.xfail(reason="fixed", strict=True)
    def test_strict(self):
        pass

    @pytest.mark.xfail(reason="maybe")
    def test_not_strict(self):
        pass

    def test_importorskip(self):
        pytest.importorskip("a_module_that_is_missing")
