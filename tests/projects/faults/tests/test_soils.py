"""Classes that leave something behind, and pass."""

from django.db import connections
from django.test import TestCase, TransactionTestCase

from shop.models import Account

_open = []


class CleanTests(TestCase):
    def test_reads(self):
        self.assertFalse(Account.objects.exists())


class OpenTests(TransactionTestCase):
    def test_leaves_a_connection(self):
        other = connections.create_connection("default")
        other.ensure_connection()
        _open.append(other)


class SoilingTests(TransactionTestCase):
    def test_leaves_a_row(self):
        Account.objects.create(name="left")

    def _fixture_teardown(self):
        pass
