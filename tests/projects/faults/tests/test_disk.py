"""A test that fills the disk of its server, and one after it."""

import os

from django.db import connection
from django.test import TransactionTestCase

from shop.models import Account


class DiskTests(TransactionTestCase):
    harness_timeout = 400  # MySQL and MariaDB wait for minutes that somebody makes room

    def test_1_fills_it(self):
        kind = "bytea" if connection.vendor == "postgresql" else "longblob"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE filler (data {kind})")
            try:
                while True:
                    cursor.execute("INSERT INTO filler VALUES (%s)", [os.urandom(4 << 20)])
            finally:
                cursor.execute("DROP TABLE filler")

    def test_2_after(self):
        Account.objects.create(name="after")
