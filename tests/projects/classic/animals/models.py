"""Animals and their weights.

>>> heaviest([12, 40, 7])
40
"""

import unittest

from django.db import models

HEAVY = 100


class Animal(models.Model):
    """
    An animal with its noise.

    # rows that a doctest makes
    >>> owl = Animal.objects.create(name="owl", noise="hoot")
    >>> mouse = Animal.objects.create(name="mouse", noise="squeak")

    # and what they say
    >>> owl.speak()
    'The owl says "hoot"'
    >>> mouse.speak()
    'The mouse says "squeak"'
    >>> Animal.objects.count()
    2
    """

    name = models.CharField(max_length=20)
    noise = models.CharField(max_length=20)

    def speak(self):
        return f'The {self.name} says "{self.noise}"'


def heaviest(weights):
    return max(weights)


def classify(weight):
    """
    >>> classify(250)
    'heavy'
    >>> classify(3)
    'light'
    >>> classify("three")
    Traceback (most recent call last):
        ...
    TypeError: ...
    """
    return "heavy" if weight >= HEAVY else "light"


class Classifier:
    """Counts the weights that it has seen."""

    def __init__(self):
        self.seen = 0

    def run(self, weight):
        """
        >>> classifier = Classifier()
        >>> classifier.run(100), classifier.run(99), classifier.seen
        ('heavy', 'light', 2)
        """
        self.seen += 1
        return classify(weight)


__test__ = {
    "the_limit": """
    >>> classify(HEAVY), classify(HEAVY - 1)
    ('heavy', 'light')
    """
}


class WeightTests(unittest.TestCase):
    """A test beside the models, which Django's runner found there until 1.5."""

    def test_the_limit_is_heavy(self):
        self.assertEqual(classify(HEAVY), "heavy")
