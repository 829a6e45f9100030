"""What Django's own parallel runner gets wrong, as tests that each runner is given."""

import threading
import unittest

from django.db import DatabaseError
from django.test import TestCase, TransactionTestCase

from shop.models import Account


class Unpicklable(Exception):
    def __init__(self):
        super().__init__("a lock goes with it")
        self.lock = threading.Lock()


class UnpicklableTests(TestCase):
    def test_raises(self):
        raise Unpicklable


class PassingTests(TestCase):
    def test_passes(self):
        pass


class FailingTests(TestCase):
    def test_fails(self):
        Account.objects.create(name="in the log")
        print("printed by the failing test")
        self.fail("as it must")


class SubTests(TestCase):
    def test_sub(self):
        with self.subTest(value=object(), i=1):
            self.fail("a part")


class SetUpClassTests(TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("no class")

    def test_1(self):
        pass

    def test_2(self):
        pass


class TearDownClassTests(TestCase):
    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        raise ValueError("too late")

    def test_1(self):
        pass


class MirrorTests(TestCase):
    databases = {"default", "replica"}

    def test_shows_what_was_written(self):
        Account.objects.create(name="shown")
        self.assertTrue(Account.objects.using("replica").exists())

    def test_takes_no_write(self):
        with self.assertRaises(DatabaseError):
            Account.objects.using("replica").create(name="refused")


class OtherTests(TransactionTestCase):
    databases = {"other"}

    def test_reads(self):
        self.assertFalse(Account.objects.using("other").exists())


class MoreTests(unittest.TestCase):
    def test_passes(self):
        pass
