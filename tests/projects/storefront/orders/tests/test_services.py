from datetime import timedelta
from decimal import Decimal
from io import StringIO

from django.core import mail
from django.core.management import CommandError, call_command
from django.test import TestCase
from django.utils import timezone

import inventory.services
from orders import services
from orders.models import Cart, Order, Voucher
from orders.services import CheckoutError, Delivery
from testing.factories import make_customer, make_order, make_product, make_stock

HOME = Delivery(country="GB", shipping="parcel")


class CheckoutTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer("ada")
        cls.mug = make_product("MUG", name="Mug & saucer", price=Decimal("12.00"))
        make_product("BOOK", name="Book", price=Decimal("20.00"), tax_class="zero", weight_g=900)
        make_stock("MUG", 5)
        make_stock("BOOK", 5)
        now = timezone.now()
        cls.voucher = Voucher.objects.create(
            code="SPRING", percent=10, valid_from=now, valid_until=now + timedelta(days=1)
        )

    def setUp(self):
        self.cart = self.customer.carts.create()
        self.cart.add("MUG", 2)

    def place(self, **changes):
        delivery = Delivery(**{"country": "GB", "shipping": "parcel", **changes})
        with self.captureOnCommitCallbacks(execute=True):
            return services.place_order(self.cart, self.customer, delivery)

    def test_computes_the_total(self):
        self.cart.add("BOOK")
        order = self.place()
        self.assertEqual(
            (order.subtotal, order.shipping, order.tax, order.total),
            (Decimal("44.00"), Decimal("4.95"), Decimal("4.80"), Decimal("53.75")),
        )

    def test_takes_the_tax_of_the_country(self):
        self.assertEqual(self.place(country="DE").tax, Decimal("4.56"))

    def test_in_yen_there_are_no_fractions(self):
        order = self.place(currency="JPY")
        self.assertEqual((order.subtotal, order.shipping, order.tax), (4560, 941, 912))

    def test_keeps_what_was_bought_as_it_was(self):
        order = self.place()
        self.mug.name, self.mug.price = "Teapot", 99
        self.mug.save()
        line = order.lines.get()
        self.assertEqual((line.name, line.unit_price, line.total), ("Mug & saucer", 12, 24))

    def test_reserves_the_goods(self):
        self.place()
        self.assertEqual(inventory.services.available("MUG"), 3)

    def test_empties_the_cart(self):
        self.place()
        self.assertFalse(Cart.objects.filter(pk=self.cart.pk).exists())

    def test_confirms_by_mail(self):
        order = self.place()
        (message,) = mail.outbox
        self.assertEqual((message.to, message.subject), (["ada@example.com"], f"Your order {order.number}"))
        self.assertIn("2 x Mug & saucer  24.00", message.body)
        self.assertIn(f"https://storefront.example/orders/{order.number}/", message.body)

    def test_confirms_nothing_before_the_commit(self):
        with self.captureOnCommitCallbacks() as callbacks:
            services.place_order(self.cart, self.customer, HOME)
        self.assertEqual((len(callbacks), mail.outbox), (1, []))

    def test_takes_a_voucher_once(self):
        order = self.place(voucher="spring")
        self.assertEqual((order.voucher, order.discount), (self.voucher, Decimal("2.40")))
        self.cart = self.customer.carts.create()
        self.cart.add("MUG")
        with self.assertRaisesMessage(CheckoutError, "This voucher is not valid."):
            self.place(voucher="SPRING")

    def test_tells_why_not(self):
        cases = {
            "We do not ship to this country.": {"country": "FR"},
            "We do not ship this way.": {"shipping": "rocket"},
            "This is too heavy for Letter.": {"shipping": "letter"},
            "This voucher is not valid.": {"voucher": "AUTUMN"},
        }
        for message, changes in cases.items():
            with self.subTest(**changes), self.assertRaisesMessage(CheckoutError, message):
                self.place(**changes)
        self.assertFalse(Order.objects.exists())

    def test_an_empty_cart(self):
        self.cart.lines.all().delete()
        with self.assertRaisesMessage(CheckoutError, "The cart is empty."):
            self.place()

    def test_what_is_withdrawn_cannot_be_bought(self):
        self.mug.is_active = False
        self.mug.save()
        with self.assertRaisesMessage(CheckoutError, "MUG is not sold any more."):
            self.place()

    def test_out_of_stock_leaves_everything_as_it_was(self):
        self.cart.add("BOOK", 6)
        with self.assertRaisesMessage(CheckoutError, "We have only 5 of Book."):
            self.place(voucher="SPRING")
        self.voucher.refresh_from_db()
        self.assertEqual((Order.objects.count(), self.voucher.used, self.cart.item_count), (0, 0, 8))
        self.assertEqual(inventory.services.available("MUG"), 5)
        self.assertEqual(mail.outbox, [])


class LifeOfAnOrderTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer("ada")
        cls.order = make_order(cls.customer, ("MUG", 3, Decimal("40.00")))
        make_stock("MUG", 5)
        inventory.services.reserve("MUG", 3, cls.order.number)

    def test_paying_earns_points(self):
        services.mark_paid(self.order, "R1")
        self.customer.refresh_from_db()
        self.assertEqual(self.customer.loyalty_points, 132)

    def test_paying_brings_a_receipt(self):
        with self.captureOnCommitCallbacks(execute=True):
            services.mark_paid(self.order, "R1")
        (message,) = mail.outbox
        self.assertEqual(message.extra_headers, {"X-Order": self.order.number})
        self.assertEqual([part.mimetype for part in message.alternatives], ["text/html"])
        self.assertEqual(message.attachments[0].filename, f"{self.order.number}.csv")
        self.assertIn("MUG;3;40.00", message.attachments[0].content)

    def test_shipping_takes_the_goods(self):
        services.mark_paid(self.order, "R1")
        services.ship(self.order)
        self.assertEqual(inventory.services.available("MUG"), 2)

    def test_cancelling_gives_them_back(self):
        services.cancel(self.order, reason="too late")
        self.assertEqual(inventory.services.available("MUG"), 5)
        self.assertEqual(self.order.events.get().data, {"reason": "too late"})

    def test_what_is_paid_cannot_be_cancelled(self):
        services.mark_paid(self.order, "R1")
        with self.assertRaises(ValueError):
            services.cancel(self.order)
        self.assertEqual(inventory.services.available("MUG"), 2)


class ExpireCartsTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        for age in (1, 31, 60):
            Cart.objects.create(created_at=timezone.now() - timedelta(days=age)).add("MUG")

    def run_command(self, *arguments):
        out = StringIO()
        call_command("expire_carts", *arguments, stdout=out)
        return out.getvalue()

    def test_removes_the_stale(self):
        self.assertEqual(self.run_command(), "2 carts removed.\n")
        self.assertEqual(Cart.objects.count(), 1)

    def test_wants_a_day_at_least(self):
        with self.assertRaisesMessage(CommandError, "--days must be 1 or more."):
            self.run_command("--days=0")
