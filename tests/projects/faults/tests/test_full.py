"""Tests that use up what their server has. As in ``test_workers``."""

from django.db import connections
from django.test import TransactionTestCase

from shop.models import Account


class ConnectionTests(TransactionTestCase):
    """a test that takes every connection that its server gives"""

    harness_timeout = 60
    expected = {"test_1_takes_all": "ERRORED", "test_2_after": "PASSED"}

    def test_1_takes_all(self):
        taken = []
        try:
            for _ in range(2000):
                other = connections.create_connection("default")
                other.ensure_connection()
                taken.append(other)
        finally:
            for other in taken:
                other.close()

    def test_2_after(self):
        Account.objects.create(name="after")
