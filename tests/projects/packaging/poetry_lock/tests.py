import inner
import iniconfig
import six
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_groups_are_installed_the_optional_one_too(self):
        self.assertTrue(six.PY3)
        self.assertTrue(iniconfig.IniConfig)

    def test_a_package_comes_from_its_folder(self):
        self.assertEqual(inner.ORIGIN, "a folder of the project")
