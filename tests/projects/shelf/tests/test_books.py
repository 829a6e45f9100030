import os
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.test import TestCase, TransactionTestCase, tag
from shelf.models import Book


class BookTests(TestCase):
    databases = {"default", "archive"}

    def test_the_databases_are_two(self):
        Book.objects.using("archive").create(title="an old one")
        self.assertEqual(Book.objects.count(), 0)

    def test_both_are_on_the_same_kind_of_server(self):
        vendors = {connections[alias].vendor for alias in self.databases}
        self.assertEqual(vendors, {os.environ.get("SHELF_VENDOR", "sqlite")})

    def test_the_folder_for_uploads_is_there(self):
        self.assertTrue(Path(settings.MEDIA_ROOT).is_dir())

    @tag("slow")
    def test_left_out_by_the_script(self):
        self.fail("the script leaves this test out")


class CommittedTests(TransactionTestCase):
    def test_rows_are_removed_1(self):
        Book.objects.create(title="a book")
        self.assertEqual(Book.objects.count(), 1)

    def test_rows_are_removed_2(self):
        Book.objects.create(title="a book")
        self.assertEqual(Book.objects.count(), 1)
