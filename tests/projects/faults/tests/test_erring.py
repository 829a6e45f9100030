"""Tests that err without asking a server anything: whatever becomes of one, they say nothing of it."""

import time

from django.test import SimpleTestCase, TestCase


class FirstTests(TestCase):
    databases = {"default", "replica"}

    def test_1(self):
        pass


class ErringTests:
    def test_1_errs(self):
        time.sleep(2)
        raise ValueError("of its own")

    test_2_errs = test_3_errs = test_4_errs = test_5_errs = test_6_errs = test_1_errs


for _number in range(4):
    _name = f"Erring{_number}Tests"
    globals()[_name] = type(_name, (ErringTests, SimpleTestCase), {"__module__": __name__})
