from django.test import SimpleTestCase
from shelf.models import Book


class ModelChecks(SimpleTestCase):
    def test_it_has_a_title(self):
        self.assertEqual([field.name for field in Book._meta.fields], ["id", "title"])
