"""The databases that an app has set as it was loaded are those of the tests."""

from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase

from notes.models import Note
from notes.tests.test_settings import shown


class LateTests(TransactionTestCase):
    databases = "__all__"

    def test_each_alias_has_its_own_database(self):
        for alias in connections:
            Note.objects.using(alias).create(text=alias)
        for alias in connections:
            self.assertEqual(Note.objects.using(alias).exclude(text="migrated").get().text, alias)

    def test_options_and_names_are_those_of_the_app(self):
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT current_database(), current_setting('application_name')")
            name, application = cursor.fetchone()
        self.assertEqual((application, shown("other", "application_name")), ("late", "late"))
        self.assertEqual(shown("other", "statement_timeout"), "17s")
        self.assertIn("odd_third", connections["third"].settings_dict["NAME"])
        self.assertTrue(name.startswith("test_odd_late"), name)
        self.assertEqual(settings.DATABASES["default"]["NAME"], name)
