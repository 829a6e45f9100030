"""The same animals, as unittest has them."""

import warnings

from django.db import connections
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from animals.models import Animal


class AnimalTests(TestCase):
    def setUp(self):
        self.owl = Animal.objects.create(name="owl", noise="hoot")
        self.mouse = Animal.objects.create(name="mouse", noise="squeak")

    def test_animals_can_speak(self):
        warnings.warn("the owl is asleep")
        self.assertEqual(self.owl.speak(), 'The owl says "hoot"')
        self.assertEqual(self.mouse.speak(), 'The mouse says "squeak"')

    def test_rows_of_other_tests_and_doctests_are_gone(self):
        self.assertEqual(Animal.objects.count(), 2)

    def test_a_count_is_one_query(self):
        with CaptureQueriesContext(connections["default"]) as queries:
            Animal.objects.count()
        self.assertEqual(len(queries), 1)


def loudest(noises):
    """
    A doctest in ``tests.py``.

    >>> loudest(["hoot", "SQUEAK"])
    'SQUEAK'
    """
    return max(noises, key=str.isupper)
