import sys

from django.test import SimpleTestCase, TestCase


def setUpModule():
    sys.exit(3)


class FirstTests(TestCase):
    def test_one(self):
        pass


class SecondTests(SimpleTestCase):
    def test_one(self):
        pass
