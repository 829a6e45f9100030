"""Connections from pools: of threads, on a replica, and one that is opened as this module is imported."""

import threading

from django.db import connection, connections
from django.test import TestCase, TransactionTestCase

from notes.models import Note

with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
    EARLY = cursor.fetchone()
connection.close()


class TransactionTests(TransactionTestCase):
    databases = "__all__"

    def test_the_replica_has_what_threads_write(self):
        names = []

        def write():
            Note.objects.create(text="by a thread")
            names.append(connection.settings_dict["NAME"])
            connection.close()

        for _ in range(3):
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        self.assertEqual(set(names), {connection.settings_dict["NAME"]})
        self.assertEqual(Note.objects.using("replica").filter(text="by a thread").count(), 3)
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery(), current_database()")
            self.assertEqual(cursor.fetchone(), (True, connection.settings_dict["NAME"]))

    test_again = test_the_replica_has_what_threads_write


class CaseTests(TestCase):
    databases = "__all__"

    def test_the_replica_reads_through_the_primary(self):
        Note.objects.create(text="uncommitted")
        self.assertTrue(Note.objects.using("replica").filter(text="uncommitted").exists())
        self.assertEqual(EARLY, (1,))
