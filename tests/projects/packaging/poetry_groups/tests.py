import importlib.metadata

import iniconfig
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_the_group_beside_the_project_table_is_installed(self):
        self.assertTrue(iniconfig.IniConfig)

    def test_a_package_comes_from_its_repository(self):
        self.assertEqual(importlib.metadata.version("toml"), "99.0")
