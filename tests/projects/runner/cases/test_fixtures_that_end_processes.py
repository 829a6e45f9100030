import os
import sys

from django.test import SimpleTestCase, TestCase

from shop.models import Item


class SetUpDiesTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os._exit(3)

    def test_one(self):
        pass

    def test_two(self):
        pass


class SetUpExitsTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        Item.objects.create(name="made before the exit")
        sys.exit(3)

    def test_one(self):
        pass


class SetUpLeavesNothingTests(TestCase):
    """In the same slot, after the one above: finds nothing of what the one before it left."""

    def test_one(self):
        self.assertEqual([item.name for item in Item.objects.all()], ["migrated"])


class TearDownDiesTests(SimpleTestCase):
    @classmethod
    def tearDownClass(cls):
        print("in tearDownClass", flush=True)
        os._exit(0)

    def test_one(self):
        pass


class TearDownExitsTests(TestCase):
    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        sys.exit(3)

    def test_one(self):
        pass


class TearDownHangsTests(SimpleTestCase):
    @classmethod
    def tearDownClass(cls):
        import time

        time.sleep(600)

    def test_one(self):
        pass


class VeryLastTests(SimpleTestCase):
    def test_one(self):
        pass
