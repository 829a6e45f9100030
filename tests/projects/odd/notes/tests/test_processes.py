"""Tests that start the project's own commands, and make databases of their own."""

import os
import subprocess
import sys

from django.db import connection, connections
from django.test import TransactionTestCase

from notes.models import Note


class CommandTests(TransactionTestCase):
    databases = {"default", "own"}

    def run_command(self, **variables):
        done = subprocess.run(
            [sys.executable, "manage.py", "note", *self.databases],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        names = dict(line.split() for line in done.stdout.splitlines())
        self.assertEqual(names, {alias: connections[alias].settings_dict["NAME"] for alias in self.databases})
        for alias in self.databases:
            self.assertTrue(Note.objects.using(alias).filter(text="by a command").exists(), alias)

    def test_a_command_writes_to_the_databases_of_the_test(self):
        self.run_command()

    def test_so_it_does_with_a_url_in_its_environment(self):
        self.run_command(DATABASE_URL="postgres://other@nowhere.internal/other")


class OwnDatabaseTests(TransactionTestCase):
    def test_a_test_makes_and_drops_a_database(self):
        name = connection.ops.quote_name(f"{connection.settings_dict['NAME']}_scratch")
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            cursor.execute(f"DROP DATABASE {name}")

    def test_by_djangos_own_means(self):
        name = connection.settings_dict["NAME"]
        made = connection.creation.create_test_db(verbosity=0, autoclobber=True)
        self.addCleanup(connection.close)
        self.assertEqual(Note.objects.filter(text="migrated").count(), 1)
        connection.creation.destroy_test_db(name, verbosity=0)
        self.assertEqual(connection.settings_dict["NAME"], name)
        self.assertNotEqual(made, name)
