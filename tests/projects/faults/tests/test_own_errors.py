"""Errors of tests' own that look like the loss of a server, and are none: whatever comes after them runs."""

import asyncio
import socket

from django.db import connections
from django.test import SimpleTestCase, TestCase

from shop.models import Account

connect = socket.socket.connect


def guard(self, address):
    raise OSError("tests must not connect")


class CrowdedTests(TestCase):
    """It takes every connection that the server has."""

    taken = []

    @classmethod
    def tearDownClass(cls):
        for connection in cls.taken:
            connection.close()
        super().tearDownClass()

    def test_1_takes_all(self):
        for _ in range(1000):
            self.taken.append(connections["default"].copy())
            self.taken[-1].connect()

    def test_2(self):
        self.assertFalse(Account.objects.exists())


class GuardedTests(TestCase):
    databases = {"default", "replica"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        socket.socket.connect = guard

    @classmethod
    def tearDownClass(cls):
        socket.socket.connect = connect
        super().tearDownClass()

    def test_1_errs(self):
        raise ValueError("an ordinary error")

    def test_2(self):
        Account.objects.create(name="x")
        self.assertEqual(Account.objects.using("replica").count(), 1)


class LoopTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.loop = asyncio.new_event_loop()
        asyncio._set_running_loop(cls.loop)

    @classmethod
    def tearDownClass(cls):
        asyncio._set_running_loop(None)
        cls.loop.close()
        super().tearDownClass()

    def test_1_errs(self):
        raise ValueError("an ordinary error")

    def test_2(self):
        pass


class NextTests(TestCase):
    databases = {"default", "replica"}

    def test_1(self):
        self.assertFalse(Account.objects.using("replica").exists())

    def test_2(self):
        self.assertFalse(Account.objects.exists())
