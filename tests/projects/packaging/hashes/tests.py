import six
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_packages_with_hashes_are_installed(self):
        self.assertTrue(six.PY3)
