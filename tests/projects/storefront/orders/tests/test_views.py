from decimal import Decimal
from unittest import mock

from django.contrib.auth.models import Permission
from django.test import Client, TestCase
from django.urls import reverse

from orders.models import Cart, Order
from testing.factories import make_customer, make_order, make_product, make_stock, make_user


class CartViewTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.mug = make_product("MUG", name="Blue mug")

    def add(self, client=None, **data):
        return (client or self.client).post(
            reverse("orders:add-to-cart"), {"sku": "MUG", "quantity": 1, **data}, follow=True
        )

    def test_a_visitor_gets_a_cart(self):
        self.assertContains(self.add(), "Blue mug is in your cart.")
        self.assertEqual(Cart.objects.get().item_count, 1)

    def test_the_cart_is_kept(self):
        self.add()
        self.add(quantity=2)
        self.assertEqual(Cart.objects.get().item_count, 3)

    def test_two_visitors_have_two_carts(self):
        self.add()
        self.add(Client())
        self.assertEqual(Cart.objects.count(), 2)

    def test_the_cart_comes_along_at_login(self):
        self.add()
        customer = make_customer()
        self.client.force_login(customer.user)
        self.add()
        cart = Cart.objects.get()
        self.assertEqual((cart.customer, cart.item_count), (customer, 2))

    def test_the_cart_is_there_on_another_device(self):
        customer = make_customer()
        customer.carts.create().add("MUG", 4)
        self.client.force_login(customer.user)
        self.add()
        self.assertEqual(Cart.objects.get().item_count, 5)

    def test_nonsense_is_refused(self):
        for data in ({"quantity": 0}, {"quantity": 100}, {"sku": "no sku"}):
            with self.subTest(**data):
                self.assertContains(self.add(**data), "That did not work.")

    def test_an_unknown_product(self):
        self.assertEqual(self.add(sku="ROCKET").status_code, 404)

    def test_a_forged_request_is_refused(self):
        client = Client(enforce_csrf_checks=True)
        self.assertEqual(client.post(reverse("orders:add-to-cart"), {"sku": "MUG"}).status_code, 403)


class CheckoutViewTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer("ada")
        make_product("MUG", price=Decimal("12.00"))
        make_stock("MUG", 3)

    def setUp(self):
        self.client.force_login(self.customer.user)
        self.cart = self.customer.carts.create()
        self.cart.add("MUG", 2)

    def post(self, **changes):
        return self.client.post(
            reverse("orders:checkout"), {"country": "GB", "shipping": "parcel", "currency": "GBP", **changes}
        )

    def test_offers_countries_and_methods(self):
        form = self.client.get(reverse("orders:checkout")).context["form"]
        self.assertEqual([code for code, _ in form.fields["country"].choices], ["DE", "GB", "NL"])
        self.assertEqual([str(label) for _, label in form.fields["shipping"].choices], ["Letter", "Parcel", "Express"])

    def test_leads_to_the_order(self):
        response = self.post()
        self.assertRedirects(response, Order.objects.get().get_absolute_url())

    def test_shows_what_went_wrong(self):
        self.cart.add("MUG", 2)
        self.assertFormError(self.post().context["form"], None, "We have only 3 of Product MUG.")
        self.assertFalse(Order.objects.exists())

    def test_refuses_a_country_that_is_not_offered(self):
        self.assertIn("country", self.post(country="FR").context["form"].errors)

    def test_an_empty_cart_leads_back(self):
        self.cart.lines.all().delete()
        self.assertRedirects(self.post(), reverse("catalog:product-list"))


class OrderViewTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer("ada")
        cls.order = make_order(cls.customer, ("MUG", 2, Decimal("8.50")))

    def setUp(self):
        self.client.force_login(self.customer.user)

    def test_shows_the_lines(self):
        self.assertContains(self.client.get(self.order.get_absolute_url()), "2 × Mug: 17.00")

    def test_is_for_its_customer_alone(self):
        self.client.force_login(make_customer("eve").user)
        self.assertEqual(self.client.get(self.order.get_absolute_url()).status_code, 404)

    def test_ten_orders_on_a_page(self):
        for _ in range(10):
            make_order(self.customer)
        response = self.client.get(reverse("orders:list"), {"page": 2})
        self.assertQuerySetEqual(response.context["page_obj"], [self.order])

    def test_the_list_costs_the_same_for_many(self):
        for _ in range(5):
            make_order(self.customer)
        with self.assertNumQueries(4):  # session, user, count, page
            self.client.get(reverse("orders:list"))

    def test_can_be_cancelled(self):
        self.client.post(reverse("orders:cancel", args=[self.order.number]))
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.CANCELLED)

    def test_cannot_be_cancelled_too_late(self):
        Order.objects.update(status=Order.Status.SHIPPED)
        response = self.client.post(reverse("orders:cancel", args=[self.order.number]), follow=True)
        self.assertContains(response, "It is too late to cancel this order.")

    def test_is_not_cancelled_by_a_link(self):
        self.assertEqual(self.client.get(reverse("orders:cancel", args=[self.order.number])).status_code, 405)


class RefundViewTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.order = make_order(make_customer("ada"), status=Order.Status.PAID)
        cls.clerk = make_user("clerk", is_staff=True)
        cls.url = reverse("orders:refund", args=[cls.order.number])

    def allow(self):
        self.clerk.user_permissions.add(Permission.objects.get(codename="refund_order"))

    def test_needs_the_permission(self):
        self.client.force_login(self.clerk)
        self.assertEqual(self.client.post(self.url).status_code, 403)

    def test_gives_the_money_back(self):
        self.allow()
        self.order.payments.create(reference="R1", amount=self.order.total, status="captured")
        self.client.force_login(self.clerk)
        with mock.patch("payments.gateway.give_back") as give_back:
            response = self.client.post(self.url, {"reason": "broken"})
        self.assertEqual(response.status_code, 302)
        give_back.assert_called_once_with("R1", self.order.total)
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.REFUNDED)

    def test_tells_when_nothing_was_paid(self):
        self.allow()
        self.client.force_login(self.clerk)
        response = self.client.post(self.url)
        self.assertContains(response, "Nothing has been paid for this order.", status_code=409)
