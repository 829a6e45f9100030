"""Tests that take their process with them. A test behind such a one, in the same class, runs all the same."""

import ctypes
import os
import signal
import sys
import unittest

from django.test import SimpleTestCase, TestCase, TransactionTestCase, tag

from bank.models import Account
from expectations import expect


@tag("deadly")
class ExitTests(SimpleTestCase):
    @expect("PASSED")
    def test_1_before(self):
        pass

    @expect("CRASHED")
    def test_2_exits_with_three(self):
        os._exit(3)

    @expect("PASSED")
    def test_3_between(self):
        pass

    @expect("CRASHED")
    def test_4_exits_as_if_all_were_well(self):
        print("the last words of a process")
        sys.stdout.flush()
        os._exit(0)

    @expect("PASSED")
    def test_5_after(self):
        pass


@tag("deadly")
class SignalTests(unittest.TestCase):
    @expect("CRASHED")
    def test_1_segmentation_fault(self):
        os.kill(os.getpid(), signal.SIGSEGV)

    @expect("CRASHED")
    def test_2_reads_from_nowhere(self):
        ctypes.string_at(0)

    @expect("CRASHED")
    def test_3_killed_as_for_want_of_memory(self):
        os.kill(os.getpid(), signal.SIGKILL)

    @expect("CRASHED")
    def test_4_aborts_in_a_subtest(self):
        for number in range(3):
            with self.subTest(number=number):
                if number == 1:
                    os.abort()

    @expect("PASSED")
    def test_5_after(self):
        pass


@tag("deadly")
class TearDownTests(SimpleTestCase):
    def tearDown(self):
        if self._testMethodName == "test_1_dies_when_it_is_over":
            os._exit(3)

    @expect("CRASHED")
    def test_1_dies_when_it_is_over(self):
        pass

    @expect("PASSED")
    def test_2_after(self):
        pass


@tag("deadly")
class TransactionCrashTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        Account.objects.create(owner="ada")

    @expect("CRASHED")
    def test_1_dies_with_a_transaction_open(self):
        Account.objects.create(owner="grace")
        os._exit(3)

    @expect("PASSED")
    def test_2_finds_what_the_class_made_and_no_more(self):
        self.assertEqual([account.owner for account in Account.objects.all()], ["ada"])


@tag("deadly")
class CommittedCrashTests(TransactionTestCase):
    @expect("CRASHED")
    def test_1_dies_after_a_commit(self):
        Account.objects.create(owner="ada")
        os._exit(3)

    @expect("PASSED")
    def test_2_finds_nothing(self):
        self.assertFalse(Account.objects.exists())
