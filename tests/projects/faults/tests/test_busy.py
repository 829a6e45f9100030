"""Short tests of every kind, all of which pass: what is hit at a random moment."""

import time

from django.test import SimpleTestCase, TestCase, TransactionTestCase

from shop.models import Account


class Plain:
    def test_waits(self):
        time.sleep(0.1)

    def test_passes(self):
        pass


class Writing:
    databases = {"default", "replica"}

    def test_writes(self):
        for number in range(5):
            Account.objects.create(name=str(number))
            self.assertEqual(Account.objects.using("replica").count(), number + 1)
            time.sleep(0.03)

    def test_finds_nothing(self):
        self.assertFalse(Account.objects.using("replica").exists())


for _number in range(6):
    for _mixin, _base in ((Plain, SimpleTestCase), (Writing, TestCase), (Writing, TransactionTestCase)):
        _name = f"{_mixin.__name__}{_base.__name__}{_number}Tests"
        globals()[_name] = type(_name, (_mixin, _base), {"__module__": __name__})
