from importlib import metadata

import inner
import iniconfig
import six
import toml
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_the_group_and_the_extra_are_installed(self):
        self.assertTrue(six.PY3)
        self.assertTrue(iniconfig.IniConfig)

    def test_members_of_the_workspace_are_the_projects_own(self):
        self.assertEqual(toml.ORIGIN, "a folder of the project")
        self.assertEqual(inner.ORIGIN, "a folder of the project")

    def test_a_project_without_a_build_is_no_distribution(self):
        with self.assertRaises(metadata.PackageNotFoundError):
            metadata.version("shop")
