"""In this order in the file; Django puts TestCase first, and flushes after each TransactionTestCase."""

from django.test import TestCase, TransactionTestCase

from shop.models import Item


class FlushingTests(TransactionTestCase):
    databases = {"default", "other"}

    def test_1_creates(self):
        for alias in ("default", "other"):
            Item.objects.using(alias).create(name="committed")

    def test_2_finds_nothing(self):
        for alias in ("default", "other"):
            self.assertFalse(Item.objects.using(alias).filter(name="committed").exists())


class SerializedTests(TransactionTestCase):
    serialized_rollback = True

    def test_1_changes(self):
        self.assertEqual(Item.objects.get().name, "migrated")
        Item.objects.all().delete()

    def test_2_finds_what_was_migrated(self):
        self.assertEqual(Item.objects.get().name, "migrated")


class MigratedTests(TestCase):
    databases = {"default", "other"}

    def test_1_changes(self):
        Item.objects.all().delete()
        Item.objects.using("other").create(name="another")

    def test_2_finds_what_was_migrated(self):
        for alias in ("default", "other"):
            self.assertEqual(Item.objects.using(alias).get().name, "migrated")
