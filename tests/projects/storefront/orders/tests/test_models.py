from datetime import timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.test import SimpleTestCase, TestCase, skipUnlessDBFeature
from django.utils import timezone

from orders.models import Cart, Currency, Order, ShippingMethod, TaxRate, Voucher, new_number
from testing.factories import make_customer, make_order

Status = Order.Status


class StatusTests(SimpleTestCase):
    def test_ways(self):
        ways = {
            (Status.PLACED, Status.PAID): True,
            (Status.PLACED, Status.CANCELLED): True,
            (Status.PLACED, Status.SHIPPED): False,
            (Status.PAID, Status.CANCELLED): False,
            (Status.PAID, Status.REFUNDED): True,
            (Status.SHIPPED, Status.COMPLETED): True,
            (Status.COMPLETED, Status.REFUNDED): False,
            (Status.CANCELLED, Status.PLACED): False,
        }
        for (before, after), allowed in ways.items():
            with self.subTest(before=before, after=after):
                self.assertEqual(Order(status=before).may_become(after), allowed)

    def test_every_status_has_its_ways(self):
        self.assertEqual(set(Order.TRANSITIONS), set(Status))

    def test_numbers_can_be_read_over_the_telephone(self):
        self.assertRegex(new_number(), r"^SF-\d{6}-[A-HJ-NP-Z2-9]{6}$")

    def test_numbers_differ(self):
        self.assertEqual(len({new_number() for _ in range(200)}), 200)


class OrderTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer("ada")
        cls.order = make_order(cls.customer, ("MUG", 2, Decimal("8.50")))

    def test_a_change_of_status_is_recorded(self):
        self.order.become(Status.PAID, reference="R1")
        event = self.order.events.get()
        self.assertEqual((event.kind, event.data), ("paid", {"reference": "R1"}))

    def test_a_change_that_cannot_be_changes_nothing(self):
        with self.assertRaisesMessage(ValueError, "is placed and cannot become completed"):
            self.order.become(Status.COMPLETED)
        self.assertFalse(self.order.events.exists())
        self.assertEqual(Order.objects.get(pk=self.order.pk).status, Status.PLACED)

    def test_open_orders(self):
        done = make_order(self.customer, status=Status.COMPLETED)
        self.assertNotIn(done, Order.objects.open())
        self.assertIn(self.order, Order.objects.open())

    def test_orders_of_a_user(self):
        make_order(make_customer("grace"))
        self.assertQuerySetEqual(Order.objects.of(self.customer.user), [self.order])

    def test_a_number_is_used_once(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_order(self.customer, number=self.order.number)

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_keeps_the_sums_sane(self):
        for change in ({"total": Decimal("-0.01")}, {"discount": Decimal("17.01")}):
            with self.subTest(**change), self.assertRaises(IntegrityError), transaction.atomic():
                Order.objects.filter(pk=self.order.pk).update(**change)

    @skipUnlessDBFeature("supports_json_field", "supports_json_field_contains")
    def test_events_are_found_by_their_data(self):
        self.order.become(Status.PAID, reference="R1", card={"brand": "visa", "last4": "4242"})
        self.assertTrue(self.order.events.filter(data__contains={"card": {"brand": "visa"}}).exists())

    def test_events_are_found_by_a_key(self):
        self.order.become(Status.PAID, reference="R1")
        self.assertTrue(self.order.events.filter(data__reference="R1").exists())
        self.assertFalse(self.order.events.filter(data__reference="R2").exists())


class CartTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.cart = Cart.objects.create()

    def test_the_same_thing_twice_is_one_line(self):
        self.cart.add("MUG")
        line = self.cart.add("MUG", 2)
        self.assertEqual(line.quantity, 3)
        self.assertEqual(self.cart.lines.count(), 1)

    def test_counts_its_items(self):
        self.assertEqual(self.cart.item_count, 0)
        self.cart.add("MUG", 2)
        self.cart.add("PEN")
        self.assertEqual(self.cart.item_count, 3)

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_a_line_is_not_empty(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            self.cart.add("MUG", 0)


class VoucherTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        now = timezone.now()
        cls.voucher = Voucher.objects.create(
            code="SPRING",
            percent=10,
            valid_from=now - timedelta(days=1),
            valid_until=now + timedelta(days=1),
            max_uses=2,
        )

    def test_is_used_up(self):
        self.assertEqual([self.voucher.redeem() for _ in range(3)], [True, True, False])
        self.voucher.refresh_from_db()
        self.assertEqual(self.voucher.used, 2)

    def test_has_its_time(self):
        for days, usable in {-2: False, 0: True, 2: False}.items():
            with self.subTest(days=days):
                found = Voucher.objects.usable(timezone.now() + timedelta(days=days))
                self.assertEqual(found.exists(), usable)

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_keeps_it_sane(self):
        for change in ({"percent": 0}, {"percent": 101}, {"used": 3}, {"valid_until": self.voucher.valid_from}):
            with self.subTest(**change), self.assertRaises(IntegrityError), transaction.atomic():
                Voucher.objects.filter(pk=self.voucher.pk).update(**change)


class MigratedDataTests(TestCase):
    def test_currencies(self):
        self.assertEqual(list(Currency.objects.values_list("code", flat=True)), ["EUR", "GBP", "JPY", "USD"])

    def test_tax_rates(self):
        rates = TaxRate.objects.filter(tax_class="standard").values_list("country", "percent")
        self.assertEqual(dict(rates), {"GB": 20, "DE": 19, "NL": 21})

    def test_shipping_methods(self):
        self.assertEqual([method.code for method in ShippingMethod.objects.all()], ["letter", "parcel", "express"])
