import iniconfig
import six
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_the_group_and_the_extra_are_installed(self):
        self.assertTrue(six.PY3)
        self.assertTrue(iniconfig.IniConfig)
