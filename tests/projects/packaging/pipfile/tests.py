import inner
import iniconfig
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_packages_for_development_are_installed(self):
        self.assertTrue(iniconfig.IniConfig)

    def test_a_package_comes_from_its_folder(self):
        self.assertEqual(inner.ORIGIN, "a folder of the project")
