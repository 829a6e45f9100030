import subprocess
import sys
from importlib import metadata

import iniconfig
import six
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_the_group_and_the_extra_are_installed(self):
        self.assertTrue(six.PY3)
        self.assertTrue(iniconfig.IniConfig)

    def test_the_project_is_a_distribution_itself(self):
        self.assertEqual(metadata.version("shop"), "1.0")
        (part,) = metadata.entry_points(group="shop.parts")
        self.assertEqual(part.load().__name__, "config.names")

    def test_its_scripts_and_other_processes_find_it_anywhere(self):
        found = subprocess.run(["shop-name"], cwd="/", capture_output=True, text=True, check=True)
        self.assertEqual(found.stdout, "the shop\n")
        code = "from importlib.metadata import version; print(version('shop'))"
        found = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True)
        self.assertEqual(found.stdout, "1.0\n")
