"""Each alias is in a test as the settings describe it."""

from django.db import connection, connections, transaction
from django.test import TestCase, TransactionTestCase

from prometheus_client import REGISTRY

from notes.models import Note


def shown(alias, name):
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


class EachAliasTests(TestCase):
    databases = "__all__"

    def test_rows_are_written_and_read(self):
        for alias in connections:
            Note.objects.using(alias).create(text=alias)
            self.assertTrue(Note.objects.using(alias).filter(text=alias).exists())

    def test_rows_of_migrations_are_there(self):
        found = {alias for alias in connections if Note.objects.using(alias).filter(text="migrated").exists()}
        self.assertEqual(found, set(connections) - {"unmigrated"})

    def test_cursors_come_in_parts(self):
        for alias in connections:
            Note.objects.using(alias).bulk_create(Note(text=str(n)) for n in range(250))
            self.assertGreaterEqual(len(list(Note.objects.using(alias).iterator(chunk_size=100))), 250)

    def test_two_aliases_with_one_test_name_are_one_database(self):
        self.assertEqual(connections["first"].settings_dict["NAME"], connections["second"].settings_dict["NAME"])


class OptionTests(TransactionTestCase):
    databases = {"default", "pooled", "measured", "own", "levels"}

    def test_default_has_what_the_url_and_the_settings_say(self):
        here = connection.settings_dict
        self.assertEqual((here["CONN_MAX_AGE"], here["CONN_HEALTH_CHECKS"]), (600, True))
        self.assertTrue(here["DISABLE_SERVER_SIDE_CURSORS"])
        self.assertTrue(here["ATOMIC_REQUESTS"])

    def test_a_request_is_a_transaction(self):
        self.assertEqual(self.client.get("/add/").content, b"True")

    def test_a_pool_serves_the_connections(self):
        with connections["pooled"].cursor() as cursor:
            cursor.execute("SELECT current_database()")
            self.assertEqual(cursor.fetchone()[0], connections["pooled"].settings_dict["NAME"])
        self.assertEqual(connections["pooled"].pool.max_size, 3)
        self.assertEqual(shown("pooled", "application_name"), "odd")

    def test_levels_and_bindings(self):
        with transaction.atomic("levels"):
            self.assertEqual(shown("levels", "transaction_isolation"), "serializable")
        self.assertTrue(connections["levels"].settings_dict["OPTIONS"]["server_side_binding"])

    def test_own_backend_sets_its_timeout(self):
        self.assertEqual(shown("own", "statement_timeout"), "17s")

    def test_prometheus_counts(self):
        Note.objects.using("measured").count()
        labels = {"alias": "measured", "vendor": "postgresql"}
        self.assertGreater(REGISTRY.get_sample_value("django_db_execute_total", labels), 0)


class SequenceTests(TransactionTestCase):
    databases = {"extra", "first"}
    reset_sequences = True

    def test_first(self):
        for alias in self.databases:
            Note.objects.using(alias).all().delete()
            self.assertEqual(Note.objects.using(alias).create(text="x").pk, 1)

    test_second = test_first
