"""Tests that ask the servers all the time, so that each notices when one is gone. Two run at once, twenty have not begun."""

import time

from django.test import TransactionTestCase

from shop.models import Account


class AskingTests:
    databases = {"default", "replica"}

    def test_asks(self):
        for _ in range(400):
            Account.objects.count()
            Account.objects.using("replica").count()
            time.sleep(0.05)


for _number in range(12):
    _name = f"Asking{_number}Tests"
    globals()[_name] = type(_name, (AskingTests, TransactionTestCase), {"__module__": __name__})
