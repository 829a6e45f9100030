import importlib.metadata

import billing
import six
from django.test import SimpleTestCase


class PackageTests(SimpleTestCase):
    def test_the_version_is_that_of_the_tag(self):
        self.assertEqual(importlib.metadata.version("billing"), "3.4")
        self.assertTrue(billing.__file__)

    def test_the_extra_is_installed(self):
        self.assertTrue(six.PY3)
