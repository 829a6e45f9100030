import tempfile
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.core.management import call_command
from django.http import HttpResponse
from django.test import RequestFactory, SimpleTestCase, TestCase
from django.urls import reverse

from config.middleware import RequestIdMiddleware
from testing.factories import make_customer, make_order, make_user


class EnvironmentTests(SimpleTestCase):
    """What ``config.runner`` promises."""

    def test_uploads_go_to_a_temporary_folder(self):
        self.assertTrue(Path(settings.MEDIA_ROOT).is_relative_to(tempfile.gettempdir()))

    def test_passwords_hash_fast(self):
        self.assertEqual(get_hasher().algorithm, "md5")


class MigrationTests(TestCase):
    databases = {"default", "catalog"}

    def test_no_model_waits_for_a_migration(self):
        call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())


class RequestIdTests(SimpleTestCase):
    def answer(self, status=200, **headers):
        middleware = RequestIdMiddleware(lambda request: HttpResponse(status=status))
        return middleware(RequestFactory().get("/", headers=headers))

    def test_a_request_gets_an_id(self):
        self.assertRegex(self.answer()["X-Request-Id"], r"^[0-9a-f]{32}$")

    def test_a_sane_id_is_kept(self):
        self.assertEqual(self.answer(x_request_id="checkout-12345")["X-Request-Id"], "checkout-12345")

    def test_a_strange_id_is_replaced(self):
        self.assertNotIn("<", self.answer(x_request_id="<script>alert(1)</script>")["X-Request-Id"])

    def test_a_failure_is_logged_with_its_id(self):
        with self.assertLogs("storefront.requests", "ERROR") as logs:
            self.answer(503, x_request_id="checkout-12345")
        self.assertEqual(logs.records[0].getMessage(), "request checkout-12345 failed")


class AdminTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.admin = make_user("root", is_staff=True, is_superuser=True)
        cls.order = make_order(make_customer("ada"))

    def setUp(self):
        self.client.force_login(self.admin)

    def test_lists_orders(self):
        response = self.client.get(reverse("admin:orders_order_changelist"))
        self.assertContains(response, self.order.number)

    def test_searches_orders(self):
        response = self.client.get(reverse("admin:orders_order_changelist"), {"q": "nobody@example.com"})
        self.assertContains(response, "0 orders")

    def test_shows_an_order_with_its_lines(self):
        response = self.client.get(reverse("admin:orders_order_change", args=[self.order.pk]))
        self.assertContains(response, 'value="MUG"')

    def test_lists_products_of_the_other_server(self):
        response = self.client.get(reverse("admin:catalog_product_changelist"))
        self.assertContains(response, "GIFT-GBP")
