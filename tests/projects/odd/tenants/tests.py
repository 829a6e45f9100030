"""Schemas of tenants: of the test cases' own, and those that a migration leaves in the template."""

from django.db import connection
from django.test import TransactionTestCase
from django_tenants.test.cases import FastTenantTestCase, TenantTestCase
from django_tenants.test.client import TenantClient
from django_tenants.utils import schema_context

from notes.models import Note
from tenants.models import Client


class OneTenantTests(TenantTestCase):
    def test_a_request_writes_to_the_schema_of_its_tenant(self):
        TenantClient(self.tenant).get("/add/")
        self.assertEqual(Note.objects.filter(text="by a request").count(), 1)

    def test_nothing_is_there_of_another_test(self):
        self.assertEqual(Note.objects.filter(text="by a request").count(), 0)
        self.assertEqual(Note.objects.filter(text="migrated").count(), 1)


class FastTests(FastTenantTestCase):
    def test_the_schema_is_there(self):
        self.assertEqual(connection.schema_name, "fast_test")
        self.assertEqual(Note.objects.count(), 1)

    def test_another_schema(self):
        with schema_context("public"):
            self.assertFalse(Client.objects.filter(schema_name="other").exists())


class SchemaTests(TransactionTestCase):
    def test_a_schema_of_a_migration_is_there(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT text FROM archive.entry")
            self.assertEqual(cursor.fetchall(), [("migrated",)])

    def test_a_tenant_of_a_test_is_made_and_dropped(self):
        tenant = Client(schema_name="other", name="other")
        tenant.save(verbosity=0)
        with schema_context("other"):
            self.assertEqual(Note.objects.count(), 1)
        tenant.delete(force_drop=True)
