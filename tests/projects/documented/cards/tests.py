"""The statements of Django's documentation on test mirrors and creation order; ``test_mirror_documentation.py`` cites them."""

from unittest import skipUnless

from django.conf import settings
from django.db import connections
from django.test import TestCase, TransactionTestCase

from cards.models import MADE, Card

SUITS = ("diamonds", "clubs", "hearts", "spades")
IS_MYSQL = connections["default"].vendor == "mysql"
SERVER = (
    "SELECT CONCAT_WS(' ', @@hostname, @@port, @@datadir)"
    if IS_MYSQL
    else "SELECT inet_server_addr()::text || ':' || inet_server_port()"
)


def one(alias, sql):
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def name_of(alias):
    return one(alias, "SELECT DATABASE()" if IS_MYSQL else "SELECT current_database()")


class MirrorTests(TransactionTestCase):
    databases = {"default", "replica", "apart"}

    def test_databases_that_are_no_mirrors_do_not_replicate(self):
        Card.objects.create(value="ace")
        self.assertFalse(Card.objects.using("apart").filter(value="ace").exists())

    def test_there_are_two_servers(self):
        self.assertNotEqual(one("default", SERVER), one("replica", SERVER))

    def test_a_mirror_has_no_test_database_of_its_own(self):
        self.assertNotIn("replica", MADE)

    def test_the_mirror_points_at_the_database_of_its_primary(self):
        names = [connections[alias].settings_dict["NAME"] for alias in ("default", "replica")]
        self.assertEqual(*names)
        self.assertEqual(name_of("default"), name_of("replica"))

    def test_writes_to_default_appear_on_the_mirror(self):
        for number in range(5):
            Card.objects.create(value=f"card {number}")
            self.assertTrue(Card.objects.using("replica").filter(value=f"card {number}").exists())
        Card.objects.filter(value="card 0").update(value="changed")
        Card.objects.filter(value="card 1").delete()
        on_mirror = Card.objects.using("replica").filter(value__startswith="c").order_by("id")
        self.assertEqual([card.value for card in on_mirror], ["changed", "card 2", "card 3", "card 4"])


class MirrorInATransactionTests(TestCase):
    databases = {"default", "replica"}

    def test_writes_to_default_appear_on_the_mirror(self):
        Card.objects.create(value="king")
        self.assertTrue(Card.objects.using("replica").filter(value="king").exists())


class OrderTests(TestCase):
    databases = {"default", "apart", "named", *SUITS}

    def test_default_comes_before_those_without_dependencies(self):
        self.assertLess(MADE.index("default"), MADE.index("apart"))
        self.assertLess(MADE.index("default"), MADE.index("named"))

    def test_each_database_comes_after_its_dependencies(self):
        needs = {"default": ["diamonds"], "clubs": ["diamonds"], "hearts": ["diamonds", "clubs"]}
        for alias, others in {**needs, "spades": ["diamonds", "hearts"]}.items():
            for other in others:
                self.assertLess(MADE.index(other), MADE.index(alias), f"{alias} needs {other}: {MADE}")

    def test_the_order_of_the_suits(self):
        self.assertEqual(MADE[0], "diamonds")
        self.assertEqual([alias for alias in MADE if alias in SUITS], list(SUITS))

    def test_each_database_is_made_once(self):
        self.assertEqual(len(MADE), len(set(MADE)))


class SettingsTests(TestCase):
    databases = "__all__"

    def test_the_name_begins_with_test(self):
        self.assertTrue(name_of("default").startswith("test_myproject"))

    def test_the_name_is_that_of_the_setting(self):
        self.assertTrue(name_of("named").startswith("mytestdatabase"))

    def test_the_character_set_is_that_of_the_setting(self):
        charset = "SELECT @@character_set_database" if IS_MYSQL else "SHOW server_encoding"
        self.assertEqual(one("named", charset), settings.OF_ENGINE[settings.ENGINE]["CHARSET"])

    @skipUnless(IS_MYSQL, "a setting for MySQL")
    def test_the_collation_is_that_of_the_setting(self):
        self.assertEqual(one("named", "SELECT @@collation_database"), "latin1_bin")

    def test_migrations_have_run(self):
        self.assertEqual([card.value for card in Card.objects.all()], ["migrated"])

    @skipUnless("bare" in settings.DATABASES, "a setting of later versions")
    def test_migrations_have_not_run_without_migrate(self):
        self.assertEqual(Card.objects.using("bare").count(), 0)


class FlushTests(TransactionTestCase):
    databases = {"default", "apart"}

    def assert_clean_and_write(self):
        for alias in ("default", "apart"):
            self.assertFalse(Card.objects.using(alias).filter(value="left").exists())
            Card.objects.using(alias).create(value="left")

    def test_one_cleans_up(self):
        self.assert_clean_and_write()

    def test_two_cleans_up(self):
        self.assert_clean_and_write()


class DeniedTests(TestCase):
    databases = {"default"}

    def test_other_databases_are_denied(self):
        for alias in ("replica", "apart"):
            with self.assertRaisesMessage(AssertionError, f"'{alias}'"):
                Card.objects.using(alias).count()
