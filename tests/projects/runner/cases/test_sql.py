from django.db import IntegrityError, connection, transaction
from django.test import TestCase, TransactionTestCase

from shop.models import Item


class InATestCase(TestCase):
    def test_fails_after_statements(self):
        with transaction.atomic():
            Item.objects.create(name="o'hara")
        try:
            with transaction.atomic():
                Item.objects.create(name="o'hara")
        except IntegrityError:
            pass
        self.fail("to be shown")

    def test_passes(self):
        Item.objects.count()


class Committing(TransactionTestCase):
    def test_fails_after_statements(self):
        with transaction.atomic():
            Item.objects.create(name="a")
        try:
            with transaction.atomic():
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO shop_item (name) VALUES (%s)", [["b"], ["c"]])
        self.fail("to be shown")


class Many(TestCase):
    def test_fails_after_many(self):
        for number in range(3000):
            Item.objects.filter(pk=number).exists()
        self.fail("to be shown")
