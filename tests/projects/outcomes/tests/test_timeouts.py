"""Tests that take longer than ``timeout`` in ``pyproject.toml`` allows."""

import contextlib
import signal
import time

from django.db import connection
from django.test import SimpleTestCase, TestCase, tag

from bank.models import Account
from expectations import expect

FOREVER_S = 600
SLEEP = {"postgresql": "SELECT pg_sleep(%s)", "mysql": "SELECT SLEEP(%s)"}


@tag("deadly")
class SlowTests(SimpleTestCase):
    @expect("TIMED_OUT")
    def test_1_sleeps(self):
        print("going to sleep")
        time.sleep(FOREVER_S)

    @expect("PASSED")
    def test_2_after(self):
        pass


@tag("deadly")
class DeafTests(SimpleTestCase):
    @expect("TIMED_OUT")
    def test_1_listens_to_no_signal_and_to_no_exception(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
        ends = time.monotonic() + FOREVER_S
        while time.monotonic() < ends:
            with contextlib.suppress(BaseException):
                time.sleep(0.1)

    @expect("PASSED")
    def test_2_after(self):
        pass


@tag("deadly")
class SlowQueryTests(TestCase):
    @expect("TIMED_OUT")
    def test_1_waits_for_the_database(self):
        Account.objects.create(owner="ada")
        if connection.vendor not in SLEEP:
            time.sleep(FOREVER_S)
        with connection.cursor() as cursor:
            cursor.execute(SLEEP[connection.vendor], [FOREVER_S])

    @expect("PASSED")
    def test_2_finds_nothing(self):
        self.assertFalse(Account.objects.exists())
