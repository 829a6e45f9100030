"""Tests that ask the servers all the time, so that each notices when one is gone. Two run at once, ten have not begun."""

import time

import pytest

from shop.models import Account


@pytest.mark.parametrize("number", range(12))
@pytest.mark.django_db(transaction=True, databases=["default", "replica"])
def test_asks(number):
    for _ in range(400):
        Account.objects.count()
        Account.objects.using("replica").count()
        time.sleep(0.05)
