"""Results that resist being told, and tests that spoil what is around them. As in ``test_workers``."""

import locale
import os
import sys
import threading
import time

import pytest

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


class ExceptionTests:
    """exceptions that cannot be pickled, printed, or told in short"""

    expected = {
        "test_cannot_be_pickled": "FAILED",
        "test_cannot_be_printed": "FAILED",
        "test_is_its_own_cause": "FAILED",
        "test_is_a_group": "FAILED",
        "test_is_deep": "FAILED",
        "test_is_long": "FAILED",
        "test_fails_without_words": "FAILED",
        "test_compares_what_cannot_be_printed": "FAILED",
        "test_raises_a_string": "FAILED",
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
        raise ValueError("x" * 1_000_000)

    def test_fails_without_words(self):
        raise AssertionError

    def test_compares_what_cannot_be_printed(self):
        assert Unspeakable() == Unspeakable()

    def test_raises_a_string(self):
        raise "a string"  # noqa: B016 - it is the fault


class ParameterTests:
    """parameters whose ids are control characters, no text, and very long"""

    expected = {"test_any[\\x00]": "PASSED", "test_any[\\udc80]": "PASSED", "test_any[\\xff]": "PASSED", "test_any[a::b/c d]": "PASSED"}

    @pytest.mark.parametrize("value", ["\x00", "\udc80", b"\xff", "a::b/c d"])
    def test_any(self, value):
        pass


class FixtureErrorTests:
    """a fixture's exception that cannot be printed, in its set-up and in its tear-down"""

    expected = {"test_1": "ERRORED", "test_2": "PASSED", "test_2::teardown": "ERRORED", "test_3_both": "FAILED", "test_3_both::teardown": "ERRORED"}

    @pytest.fixture
    def up(self):
        raise Unspeakable

    @pytest.fixture
    def down(self):
        yield
        raise Unspeakable

    def test_1(self, up):
        pass

    def test_2(self, down):
        pass

    def test_3_both(self, down):
        raise AssertionError("and here")


class OutputTests:
    """bytes that are no text, control characters, and very much of them"""

    expected = {"test_bytes": "FAILED", "test_escapes": "FAILED", "test_much": "FAILED", "test_workflow_command": "FAILED"}
    shows = {"test_much": "left out"}

    def test_bytes(self):
        os.write(1, bytes(range(256)))
        pytest.fail("\x00\x1b[31m")

    def test_escapes(self):
        print("\x1b[2J\x1b]0;title\x07 \udc80".encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
        pytest.fail("]]> <&")

    def test_much(self):
        block = b"x" * 1_000_000
        for _ in range(100):
            os.write(2, block)
        pytest.fail("after 100 MB")

    def test_workflow_command(self):
        print("::error::forged")
        pytest.fail("::error::forged")


class DescriptorTests:
    """a test that writes to every descriptor, and closes them all"""

    expected = {"test_1_writes": "PASSED", "test_2_closes": "PASSED", "test_3_after": "PASSED", "test_4_prints": "FAILED"}
    shows = {"test_4_prints": "heard"}

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

    def test_4_prints(self):
        print("heard")
        pytest.fail()


class StreamTests:
    """a test that closes or replaces the standard streams; pytest cannot read its output, and the tests after it are whole"""

    expected = {"test_1_closes": "FAILED", "test_1_closes::teardown": "ERRORED", "test_2_after": "FAILED", "test_3_replaces": "PASSED", "test_4_after": "FAILED", "test_5_closes_fds": "PASSED", "test_6_after": "FAILED"}
    shows = {"test_2_after": ("heard 2", "error 2"), "test_4_after": ("heard 4", "error 4"), "test_6_after": ("heard 6", "error 6")}

    def tell(self, number):
        print(f"heard {number}")
        print(f"error {number}", file=sys.stderr)
        pytest.fail()

    def test_1_closes(self):
        sys.stdout.close()
        sys.stderr.close()

    def test_2_after(self):
        self.tell(2)

    def test_3_replaces(self):
        sys.stdout = sys.stderr = None

    def test_4_after(self):
        self.tell(4)

    def test_5_closes_fds(self):
        os.close(1)
        os.close(2)

    def test_6_after(self):
        self.tell(6)


class SurroundingsTests:
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


class UndisturbedTests:
    """the class after it"""

    expected = {"test_1": "PASSED"}

    def test_1(self, db):
        assert os.path.exists("pytest.ini")
        assert sys.excepthook is not None
        assert os.umask(0o22) != 0
        print("heard")
        import json.tool  # noqa: F401 - a path is needed for it

        Account.objects.create(name="clean")


class OpenTransactionTests:
    """a transaction that is left open"""

    expected = {"test_1": "PASSED", "test_2": "PASSED"}

    def test_1(self, transactional_db):
        from django.db import connection

        connection.set_autocommit(False)
        Account.objects.create(name="open")

    def test_2(self, transactional_db):
        assert not Account.objects.exists()
