import importlib.metadata

import inner
import six
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_an_editable_package_comes_from_its_folder(self):
        self.assertEqual(inner.ORIGIN, "a folder of the project")

    def test_constraints_and_included_files_count(self):
        self.assertTrue(six.PY3)
        self.assertEqual(importlib.metadata.version("sqlparse"), "0.5.2")
