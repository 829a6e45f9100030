"""Tests that write to the primary, and connect to the replica anew to read it there. Two run at once, ten have not begun."""

import time

from django.db import connections
from django.test import TransactionTestCase

from shop.models import Account


class WritingTests:
    databases = {"default", "replica"}

    def test_reads_what_it_wrote(self):
        for number in range(200):
            Account.objects.create(name=str(number))
            connections["replica"].close()
            self.assertEqual(Account.objects.using("replica").count(), number + 1)
            time.sleep(0.1)


for _number in range(12):
    _name = f"Writing{_number}Tests"
    globals()[_name] = type(_name, (WritingTests, TransactionTestCase), {"__module__": __name__})
