"""What the settings say of their databases, whichever settings they are: ``MIRRORS``, ``SHARED`` and ``TEST_NAMES``."""

from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.test import TestCase, TransactionTestCase, tag

from library.models import Book

OWN = [alias for alias in settings.DATABASES if alias not in {**settings.MIRRORS, **settings.SHARED}]


def titles(alias):
    return [book.title for book in Book.objects.using(alias)]


class OwnDatabaseTests(TestCase):
    databases = set(OWN)

    def test_each_alias_keeps_its_own_books(self):
        for alias in OWN:
            Book.objects.using(alias).create(title=f"The book of {alias}", isbn="1")
        self.assertEqual({alias: titles(alias) for alias in OWN}, {alias: [f"The book of {alias}"] for alias in OWN})

    def test_each_alias_has_been_migrated(self):
        for alias in OWN:
            with self.subTest(alias=alias):
                self.assertIn("library_loan", connections[alias].introspection.table_names())


@tag("topology")
class OtherAliasTests(TransactionTestCase):
    databases = "__all__"

    def test_an_alias_that_shares_a_database_has_the_same_books(self):
        for isbn, (alias, owner) in enumerate(settings.SHARED.items()):
            with self.subTest(alias=alias):
                Book.objects.using(owner).create(title=f"Of {owner}, for {alias}", isbn=isbn)
                self.assertEqual(titles(alias), titles(owner))

    def test_a_mirror_has_the_books_of_its_primary(self):
        for isbn, (alias, primary) in enumerate(settings.MIRRORS.items()):
            with self.subTest(alias=alias):
                Book.objects.using(primary).create(title=f"Of {primary}, for {alias}", isbn=isbn)
                self.assertEqual(titles(alias), titles(primary))

    def test_a_mirror_takes_no_books(self):
        for alias in settings.MIRRORS:
            with self.subTest(alias=alias), self.assertRaises(DatabaseError), transaction.atomic(using=alias):
                Book.objects.using(alias).create(title="Not here", isbn="3")

    def test_databases_have_the_names_that_were_asked_for(self):
        for alias, name in settings.TEST_NAMES.items():
            with self.subTest(alias=alias):
                self.assertTrue(connections[alias].settings_dict["NAME"].startswith(name))
