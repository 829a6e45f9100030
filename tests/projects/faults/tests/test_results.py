"""Results that resist being told, and tests that spoil what is around them. As in ``test_workers``."""

import locale
import os
import sys
import threading
import time
import unittest

from django.test import TestCase, TransactionTestCase

from shop.models import Account


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.lock = threading.Lock()

    def __reduce__(self):
        raise TypeError("not to be pickled")


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no words")

    __repr__ = __str__


class ExceptionTests(TestCase):
    """exceptions that cannot be pickled, printed, or told in short"""

    expected = {
        "test_cannot_be_pickled": "ERRORED",
        "test_cannot_be_printed": "ERRORED",
        "test_is_its_own_cause": "ERRORED",
        "test_is_a_group": "ERRORED",
        "test_is_deep": "ERRORED",
        "test_is_long": "ERRORED",
        "test_fails_without_words": "FAILED",
        "test_is_no_exception_of_python": "ERRORED",
    }

    def test_cannot_be_pickled(self):
        raise Unpicklable(1, 2)

    def test_cannot_be_printed(self):
        raise Unspeakable

    def test_is_its_own_cause(self):
        one, two = ValueError("one"), ValueError("two")
        one.__cause__, two.__cause__ = two, one
        raise one

    def test_is_a_group(self):
        raise ExceptionGroup("several", [ValueError("one"), ExceptionGroup("more", [TypeError("two")])])

    def test_is_deep(self):
        def dig(depth):
            return dig(depth + 1)

        dig(0)

    def test_is_long(self):
        raise ValueError("x" * 5_000_000)

    def test_fails_without_words(self):
        raise AssertionError

    def test_is_no_exception_of_python(self):
        raise GeneratorExit("as if it were a generator's")


class SubTests(unittest.TestCase):
    """subTests with any parameters, some of which fail"""

    expected = {"test_any": "FAILED", "test_errs": "ERRORED"}

    def test_any(self):
        for value in (object(), "\x00", "\udc80", b"\xff", 1):
            with self.subTest(value=value):
                self.assertEqual(value, 1)

    def test_errs(self):
        with self.subTest(i=1):
            raise ValueError
        with self.subTest(i=2):
            self.fail()


class ExpectedTests(unittest.TestCase):
    """expected failures that come and that do not come"""

    expected = {"test_comes": "XFAILED", "test_does_not": "XPASSED", "test_comes_in_a_subtest": "XFAILED"}

    @unittest.expectedFailure
    def test_comes(self):
        self.fail()

    @unittest.expectedFailure
    def test_does_not(self):
        pass

    @unittest.expectedFailure
    def test_comes_in_a_subtest(self):
        with self.subTest(i=1):
            self.fail()


class SkippedSetUp(unittest.TestCase):
    """a skip in setUpClass"""

    expected = {"test_1": "SKIPPED", "test_2": "SKIPPED"}

    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("not here")

    def test_1(self):
        pass

    def test_2(self):
        pass


class TearDownClassFails(unittest.TestCase):
    """a failure in tearDownClass, which is an item of its own"""

    expected = {"test_1": "PASSED", "tearDownClass": "ERRORED"}

    @classmethod
    def tearDownClass(cls):
        raise ValueError

    def test_1(self):
        pass


class SetUpClassFails(unittest.TestCase):
    """a failure in setUpClass"""

    expected = {"setUpClass": "ERRORED", "test_1": "NOT_RUN", "test_2": "NOT_RUN"}

    @classmethod
    def setUpClass(cls):
        raise ValueError

    def test_1(self):
        pass

    def test_2(self):
        pass


class ClassCleanupFails(unittest.TestCase):
    """a failure in addClassCleanup"""

    expected = {"test_1": "PASSED", "tearDownClass": "ERRORED"}

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(int, "no number")

    def test_1(self):
        pass


class CleanupFails(unittest.TestCase):
    """failures in a test and in its cleanup"""

    expected = {"test_1": "ERRORED", "test_2": "ERRORED"}

    def test_1(self):
        self.addCleanup(int, "no number")
        self.fail("and here")

    def test_2(self):
        self.addCleanup(int, "no number")


class OutputTests(unittest.TestCase):
    """bytes that are no text, control characters, and very much of them"""

    expected = {"test_bytes": "FAILED", "test_escapes": "FAILED", "test_much": "FAILED", "test_workflow_command": "FAILED"}

    def test_bytes(self):
        os.write(1, bytes(range(256)))
        self.fail("\x00\x1b[31m")

    def test_escapes(self):
        print("\x1b[2J\x1b]0;title\x07 \udc80".encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
        self.fail("]]> <&")

    def test_much(self):
        block = b"x" * 1_000_000
        for _ in range(300):
            os.write(2, block)
        self.fail("after 300 MB")

    def test_workflow_command(self):
        print("::error::forged")
        self.fail("::error::forged")


class ForgeryTests(unittest.TestCase):
    """a test that writes to every descriptor, and closes them all"""

    expected = {"test_1_writes": "PASSED", "test_2_closes": "PASSED", "test_3_after": "PASSED"}

    def test_1_writes(self):
        for fd in range(300):
            try:
                os.write(fd, b'{"v":1,"seq":1,"at":0,"slot":1,"type":"RunFinished","failures":0}\n')
            except OSError:
                continue

    def test_2_closes(self):
        os.closerange(0, 512)

    def test_3_after(self):
        pass


class SurroundingsTests(unittest.TestCase):
    """a test that leaves the process in disorder"""

    expected = {"test_1_soils": "PASSED"}

    def test_1_soils(self):
        os.chdir("/")
        os.umask(0)
        os.environ["TZ"] = "Pacific/Auckland"
        time.tzset()
        locale.setlocale(locale.LC_ALL, "C")
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
        sys.excepthook = None
        sys.path.clear()
        sys.stdout = None


class NextTests(TestCase):
    """the class after it"""

    expected = {"test_1": "PASSED"}

    def test_1(self):
        self.assertTrue(os.path.exists("manage.py"))
        self.assertIsNotNone(sys.excepthook)
        self.assertNotEqual(os.umask(0o22), 0)
        print("heard")
        import json.tool  # noqa: F401 - a path is needed for it

        Account.objects.create(name="clean")


class OpenTransactionTests(TransactionTestCase):
    """a transaction that is left open"""

    expected = {"test_1": "PASSED", "test_2": "PASSED"}

    def test_1(self):
        from django.db import connection

        connection.set_autocommit(False)
        Account.objects.create(name="open")

    def test_2(self):
        self.assertFalse(Account.objects.exists())


def generated(number):
    def test(self):
        self.assertEqual(number, 1)

    return test


class GeneratedTests(unittest.TestCase):
    """generated tests with one name"""

    expected = {"test_0": "FAILED", "test_1": "PASSED"}


for _number in range(2):
    setattr(GeneratedTests, f"test_{_number}", generated(_number))
