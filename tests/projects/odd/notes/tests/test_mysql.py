"""The options for MySQL hold on the connections of tests."""

from django.db import connections
from django.test import TestCase

from notes.models import Note


class OptionTests(TestCase):
    databases = "__all__"

    def variables(self, alias, *names):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(f"@@{name}" for name in names))
            return cursor.fetchone()

    def test_commands_at_the_start_of_a_connection(self):
        (mode,) = self.variables("default", "sql_mode")
        self.assertIn("ANSI_QUOTES", mode)

    def test_levels_and_modes(self):
        level, mode = self.variables("levels", "transaction_isolation", "sql_mode")
        self.assertEqual(level, "SERIALIZABLE")
        self.assertIn("TRADITIONAL", mode)

    def test_character_sets_of_databases(self):
        found = self.variables("own", "character_set_database", "collation_database")
        self.assertEqual(found, ("latin1", "latin1_german2_ci"))
        self.assertEqual(self.variables("default", "character_set_client"), ("utf8mb4",))

    def test_rows_of_each_alias(self):
        for alias in connections:
            Note.objects.using(alias).create(text=alias)
            self.assertEqual({note.text for note in Note.objects.using(alias).all()}, {"migrated", alias})
