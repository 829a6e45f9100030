import unittest

from django.test import SimpleTestCase, tag


class AlphaTests(SimpleTestCase):
    def test_one(self):
        pass

    @tag("heavy")
    def test_two(self):
        pass


@tag("heavy", "rare")
class HeavyTests(SimpleTestCase):
    def test_three(self):
        pass


class PlainTests(unittest.TestCase):
    def test_four(self):
        pass
