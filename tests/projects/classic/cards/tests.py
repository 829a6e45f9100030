"""Several databases: the order in which they are made, the databases of a test, and a mirror."""

from django.conf import settings
from django.db import connections
from django.test import TestCase, TransactionTestCase

from cards.models import MADE, SUITS, Card


class CreationOrderTests(TestCase):
    databases = {"default", *SUITS}

    def test_each_database_is_made_after_those_that_it_depends_on(self):
        self.assertEqual(sorted(MADE), sorted(self.databases))
        for alias in self.databases:
            for other in settings.DATABASES[alias]["TEST"]["DEPENDENCIES"]:
                self.assertLess(MADE.index(other), MADE.index(alias), f"{alias} needs {other}: {MADE}")

    def test_diamonds_come_first_and_spades_after_hearts_after_clubs(self):
        self.assertEqual(MADE[0], "diamonds")
        suits = [alias for alias in MADE if alias in SUITS]
        self.assertEqual(suits, ["diamonds", "clubs", "hearts", "spades"])


class SuitTests(TestCase):
    databases = set(SUITS)

    def test_each_suit_has_its_own_rows(self):
        for suit in SUITS:
            Card.objects.using(suit).create(value=suit[:5])
        self.assertEqual([Card.objects.using(suit).get().value for suit in SUITS], [suit[:5] for suit in SUITS])

    def test_a_test_leaves_no_rows_in_any_of_its_databases(self):
        self.assertEqual([Card.objects.using(suit).count() for suit in SUITS], [0, 0, 0, 0])

    def test_a_database_that_the_class_does_not_name_is_out_of_reach(self):
        with self.assertRaises(Exception) as refused:
            Card.objects.using("default").count()
        self.assertIn("default", str(refused.exception))


class MirrorTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_what_is_written_to_default_is_read_from_the_replica(self):
        Card.objects.create(value="ace")
        self.assertEqual(Card.objects.using("replica").get().value, "ace")

    def test_the_replica_has_no_database_of_its_own(self):
        names = [connections[alias].settings_dict["NAME"] for alias in ("default", "replica")]
        self.assertEqual(names[0], names[1])


class MirrorInATransactionTests(TestCase):
    databases = {"default", "replica"}

    def test_a_row_of_the_open_transaction_is_read_too(self):
        Card.objects.create(value="king")
        self.assertEqual(Card.objects.using("replica").get().value, "king")
