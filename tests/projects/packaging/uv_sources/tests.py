import importlib.metadata

import pinned
import six
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_a_package_comes_from_the_index_that_it_is_pinned_to(self):
        self.assertEqual(pinned.ORIGIN, "an index of the project")

    def test_a_package_comes_from_its_repository(self):
        self.assertEqual(importlib.metadata.version("toml"), "99.0")

    def test_legacy_dependencies_for_development_are_installed(self):
        self.assertTrue(six.PY3)
