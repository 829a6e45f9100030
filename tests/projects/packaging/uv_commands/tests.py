import iniconfig
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_the_group_is_installed(self):
        self.assertTrue(iniconfig.IniConfig)
