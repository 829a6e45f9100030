"""Classes of unittest and Django, which pytest runs beside its own."""

import unittest
import urllib.request

import pytest
from django.db import connection, transaction
from django.test import LiveServerTestCase, SimpleTestCase, TestCase, TransactionTestCase

from reviews.models import Review
from shop.fixture_state import RUNNING
from shop.models import Category, Product


class PlainTests(unittest.TestCase):
    def test_passes(self):
        self.assertEqual(1 + 1, 2)

    def test_fails(self):
        self.assertEqual(1, 2, "in unittest's words")

    def test_errs(self):
        raise ValueError("an error")

    def test_skips(self):
        self.skipTest("while it runs")

    @unittest.skip("by a decorator")
    def test_skipped(self):
        self.fail("not reached")

    @unittest.expectedFailure
    def test_expected_failure(self):
        self.fail("expected")

    @unittest.expectedFailure
    def test_unexpected_success(self):
        pass

    @pytest.mark.xfail(reason="by a mark of pytest")
    def test_xfail(self):
        self.fail("known")

    def test_gets_autouse_fixtures(self):
        self.assertEqual(RUNNING, ["every_test"])

    def test_cleanup_errs(self):
        self.addCleanup(self.fail, "in a cleanup")

    @pytest.fixture(autouse=True)
    def basket(self, tmp_path):
        self.folder = tmp_path

    def test_autouse_fixture_of_the_class(self):
        self.assertTrue(self.folder.is_dir())


class SetUpTests(unittest.TestCase):
    def setUp(self):
        raise RuntimeError("setUp errs")

    def test_errs(self):
        self.fail("not reached")


class TearDownTests(unittest.TestCase):
    def tearDown(self):
        raise RuntimeError("tearDown errs")

    def test_errs(self):
        pass


class SetUpClassTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("setUpClass errs")

    def test_first(self):
        self.fail("not reached")

    def test_second(self):
        self.fail("not reached")


class SkippingSetUpClassTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("setUpClass skips")

    def test_first(self):
        self.fail("not reached")

    def test_second(self):
        self.fail("not reached")


@pytest.mark.ordered
class TearDownClassTests(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        raise RuntimeError("tearDownClass errs")

    def test_first(self):
        pass

    def test_last(self):
        pass


@unittest.skip("the whole class")
class SkippedTests(unittest.TestCase):
    def test_first(self):
        self.fail("not reached")


class AsyncTests(unittest.IsolatedAsyncioTestCase):
    async def test_passes(self):
        self.assertTrue(True)

    async def test_fails(self):
        self.fail("in a coroutine")


class WithoutDatabaseTests(SimpleTestCase):
    def test_passes(self):
        self.assertHTMLEqual("<b>a</b>", "<b> a </b>")

    def test_may_use_no_database(self):
        """Fails with Django's message."""
        Product.objects.count()


class ProductTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.product = Product.objects.create(name="milk", price="1.00")

    def test_first(self):
        self.product.delete()
        self.assertFalse(Product.objects.filter(name="milk").exists())

    def test_second(self):
        self.assertTrue(Product.objects.filter(name="milk").exists())

    def test_in_a_transaction(self):
        self.assertTrue(connection.in_atomic_block)

    @pytest.mark.django_db
    def test_with_the_mark(self):
        self.assertEqual(Product.objects.filter(name="milk").count(), 1)

    def test_the_catalogue_is_there_once(self):
        self.assertEqual(Product.objects.filter(name="tea").count(), 1)

    def test_other_aliases_are_refused(self):
        with self.assertRaisesMessage(AssertionError, "not allowed"):
            Review.objects.count()

    def test_callbacks(self):
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            transaction.on_commit(list)
        self.assertEqual(len(callbacks), 1)

    def test_fails_after_queries(self):
        """The statements are in the report."""
        Product.objects.create(name="the failing one", price="2.00")
        self.assertFalse(Product.objects.filter(name="the failing one").exists())


class ReviewTests(TestCase):
    databases = {"default", "other"}

    def test_both(self):
        Review.objects.create(text="good")
        self.assertEqual(Review.objects.count(), 1)

    def test_rolled_back(self):
        self.assertEqual(Review.objects.count(), 0)


class CommittingTests(TransactionTestCase):
    serialized_rollback = True

    def test_first(self):
        self.assertFalse(connection.in_atomic_block)
        Product.objects.create(name="committed", price="1.00")
        self.assertEqual(Category.objects.filter(name="drinks").count(), 1)

    def test_second(self):
        self.assertFalse(Product.objects.filter(name="committed").exists())
        self.assertEqual(Category.objects.filter(name="drinks").count(), 1)


class ServerTests(LiveServerTestCase):
    def test_answers(self):
        Product.objects.create(name="juice", price="2.00")
        with urllib.request.urlopen(f"{self.live_server_url}/") as answer:
            self.assertIn(b"juice", answer.read())
