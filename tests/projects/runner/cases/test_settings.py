import sys
import unittest

from django.conf import settings
from django.test import TestCase

from shop.models import Item


class Tests(TestCase):
    def test_what_the_runner_changed(self):
        print(f"changed by the runner: {getattr(settings, 'CHANGED_BY_RUNNER', 'no')}")
        print(f"arguments: {sys.argv}")
        print(f"items: {[item.name for item in Item.objects.order_by('pk')]}")
        self.fail("to be shown")


class SlowTests(unittest.TestCase):
    def test_slow(self):
        pass
