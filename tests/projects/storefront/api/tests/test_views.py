from decimal import Decimal
from io import StringIO
from unittest import mock

from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from api.models import ApiToken
from catalog.models import Product
from orders.models import Cart, Order
from testing.factories import make_category, make_customer, make_order, make_product, make_stock, make_user


class ProductApiTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        mugs = make_category("mugs")
        Product.objects.bulk_create(
            Product(sku=f"MUG-{n:02}", name=f"Mug {n:02}", category=mugs, price=n + 1) for n in range(25)
        )
        make_stock("MUG-01", 3)

    def test_twenty_on_a_page(self):
        data = self.client.get(reverse("api:products"), {"q": "mug"}).json()
        self.assertEqual((data["count"], data["next"], len(data["results"])), (25, 2, 20))

    def test_the_last_page(self):
        data = self.client.get(reverse("api:products"), {"q": "mug", "page": 2}).json()
        self.assertIsNone(data["next"])
        self.assertEqual([one["sku"] for one in data["results"]], [f"MUG-{n}" for n in range(20, 25)])

    def test_one_product(self):
        data = self.client.get(reverse("api:product", args=["MUG-07"])).json()
        self.assertEqual(
            data,
            {
                "sku": "MUG-07",
                "name": "Mug 07",
                "price": "8.00",
                "currency": "GBP",
                "category": "mugs",
                "description": "",
            },
        )

    def test_an_unknown_product(self):
        response = self.client.get(reverse("api:product", args=["ROCKET"]))
        self.assertEqual((response.status_code, response.json()), (404, {"detail": "There is no such product."}))

    def test_stock_is_told_but_not_how_much(self):
        for sku, in_stock in {"MUG-01": True, "MUG-02": False}.items():
            with self.subTest(sku=sku):
                data = self.client.get(reverse("api:stock", args=[sku])).json()
                self.assertEqual(data, {"sku": sku, "in_stock": in_stock})

    def test_products_are_read_only(self):
        self.assertEqual(self.client.post(reverse("api:products")).status_code, 405)

    async def test_the_view_is_asynchronous(self):
        response = await self.async_client.get(reverse("api:product", args=["MUG-01"]))
        self.assertEqual(response.json()["price"], "2.00")


class TokenTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = make_customer("ada").user
        cls.token, cls.key = ApiToken.objects.issue(cls.user, "laptop")

    def setUp(self):
        cache.clear()

    def get(self, authorization):
        headers = {"Authorization": authorization} if authorization else {}
        return self.client.get(reverse("api:orders"), headers=headers)

    def test_lets_in(self):
        self.assertEqual(self.get(f"Bearer {self.key}").status_code, 200)

    def test_its_use_is_noted(self):
        self.get(f"Bearer {self.key}")
        self.token.refresh_from_db()
        self.assertIsNotNone(self.token.last_used_at)

    def test_the_key_itself_is_not_kept(self):
        self.assertNotIn(self.key, ApiToken.objects.values().get().values())

    def test_whatever_else_stays_out(self):
        for authorization in (None, "Bearer", "Bearer wrong", f"Basic {self.key}", self.key):
            with self.subTest(authorization=authorization):
                response = self.get(authorization)
                self.assertEqual((response.status_code, response["WWW-Authenticate"]), (401, "Bearer"))

    def test_a_closed_account_stays_out(self):
        self.user.is_active = False
        self.user.save()
        self.assertEqual(self.get(f"Bearer {self.key}").status_code, 401)

    @override_settings(API_REQUESTS_PER_MINUTE=2)
    def test_so_many_requests_a_minute(self):
        with mock.patch("django.utils.timezone.now", return_value=timezone.now()):  # not while a minute ends
            statuses = [self.get(f"Bearer {self.key}").status_code for _ in range(4)]
        self.assertEqual(statuses, [200, 200, 429, 429])

    @override_settings(API_REQUESTS_PER_MINUTE=1)
    def test_each_token_has_its_own_minute(self):
        _, other = ApiToken.objects.issue(make_customer().user, "phone")
        self.assertEqual([self.get(f"Bearer {key}").status_code for key in (self.key, other)], [200, 200])


class OrderApiTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer("ada")
        _, key = ApiToken.objects.issue(cls.customer.user, "laptop")
        cls.headers = {"Authorization": f"Bearer {key}"}
        make_product("MUG", price=Decimal("12.00"))
        make_stock("MUG", 3)

    def setUp(self):
        cache.clear()

    def post(self, data):
        return self.client.post(
            reverse("api:order-create"), data, content_type="application/json", headers=self.headers
        )

    def test_lists_ones_own(self):
        mine = make_order(self.customer)
        make_order(make_customer("grace"))
        data = self.client.get(reverse("api:orders"), headers=self.headers).json()
        self.assertEqual([one["number"] for one in data["results"]], [mine.number])

    def test_orders(self):
        response = self.post({"lines": [{"sku": "MUG", "quantity": 2}], "country": "GB", "shipping": "parcel"})
        self.assertEqual(response.status_code, 201)
        data = response.json()
        self.assertEqual((data["total"], data["lines"]), ("33.75", [{"sku": "MUG", "quantity": 2}]))
        self.assertEqual(Order.objects.get().number, data["number"])

    def test_what_cannot_be_ordered(self):
        response = self.post({"lines": [{"sku": "MUG", "quantity": 9}], "country": "GB", "shipping": "parcel"})
        self.assertEqual((response.status_code, response.json()["detail"]), (409, "We have only 3 of Product MUG."))
        self.assertFalse(Cart.objects.exists())

    def test_what_makes_no_sense(self):
        for data in ("{", [], {"lines": []}, {"lines": [{"sku": "MUG"}], "country": "GB", "shipping": "parcel"}):
            with self.subTest(data=data):
                self.assertEqual(self.post(data).status_code, 400)


class IssueTokenTests(TestCase):
    def test_prints_a_key_that_works(self):
        make_user("ada")
        out = StringIO()
        call_command("issue_token", "ada", "laptop", stdout=out)
        self.assertEqual(ApiToken.objects.find(out.getvalue().strip()).name, "laptop")

    def test_a_name_is_used_once(self):
        ApiToken.objects.issue(make_user("ada"), "laptop")
        with self.assertRaisesMessage(CommandError, "ada has a token called laptop."):
            call_command("issue_token", "ada", "laptop")

    def test_nobody_of_that_name(self):
        with self.assertRaisesMessage(CommandError, "There is no user called eve."):
            call_command("issue_token", "eve", "laptop")
