"""Two tests pass, one waits for ever, and one has not begun: what a run that is cut off has to tell."""

import time

from django.test import TestCase

from shop.models import Account


class QuickTests(TestCase):
    databases = {"default", "replica"}

    def test_1(self):
        Account.objects.create(name="quick")

    def test_2(self):
        pass

    def test_3(self):
        pass


class WaitTests(TestCase):
    def test_1_passes(self):
        pass

    def test_2_waits(self):
        time.sleep(1000)

    def test_3_has_not_begun(self):
        pass
