import unittest
from decimal import Decimal

from django.test import SimpleTestCase

from orders.pricing import Carriage, Item, TooHeavy, convert, loyalty_points, quote, rounded, shipping_cost

PARCEL = Carriage(price=Decimal("4.95"), max_weight_g=20_000, free_from=Decimal("50.00"))
LETTER = Carriage(price=Decimal("2.10"), max_weight_g=500)


def item(price, quantity=1, tax=0, weight_g=100):
    return Item("SKU", "Thing", Decimal(price), quantity, Decimal(tax), weight_g)


class RoundingTests(unittest.TestCase):
    def test_halves_go_up(self):
        for amount, expected in {"0.005": "0.01", "0.0049": "0.00", "1.115": "1.12", "-0.005": "-0.01"}.items():
            with self.subTest(amount=amount):
                self.assertEqual(rounded(Decimal(amount)), Decimal(expected))

    def test_yen_have_no_pence(self):
        self.assertEqual(str(convert(Decimal("12.34"), Decimal(190), 0)), "2345")

    def test_pounds_stay_pounds(self):
        self.assertEqual(convert(Decimal("12.34"), 1), Decimal("12.34"))


class ShippingTests(unittest.TestCase):
    def test_costs_its_price(self):
        self.assertEqual(shipping_cost(PARCEL, Decimal("49.99"), 100), Decimal("4.95"))

    def test_is_free_from_a_sum_on(self):
        self.assertEqual(shipping_cost(PARCEL, Decimal("50.00"), 100), 0)

    def test_is_never_free_where_no_sum_is_named(self):
        self.assertEqual(shipping_cost(LETTER, Decimal(9999), 100), Decimal("2.10"))

    def test_has_a_limit(self):
        self.assertEqual(shipping_cost(LETTER, Decimal(1), 500), Decimal("2.10"))
        with self.assertRaisesRegex(TooHeavy, "501 g, at most 500 g"):
            shipping_cost(LETTER, Decimal(1), 501)


class QuoteTests(SimpleTestCase):
    def test_adds_up(self):
        total = quote([item("10.00", 2, 20), item("3.50", 1, 5)], PARCEL)
        self.assertEqual(
            (total.subtotal, total.discount, total.shipping, total.tax, total.total),
            (Decimal("23.50"), 0, Decimal("4.95"), Decimal("4.18"), Decimal("32.63")),
        )

    def test_a_discount_lowers_the_tax(self):
        total = quote([item("100.00", 1, 20)], PARCEL, discount_percent=25)
        self.assertEqual((total.discount, total.tax), (Decimal("25.00"), Decimal("15.00")))

    def test_a_discount_counts_before_free_shipping(self):
        self.assertEqual(quote([item("52.00")], PARCEL, discount_percent=10).shipping, Decimal("4.95"))

    def test_everything_off(self):
        self.assertEqual(quote([item("52.00", tax=20)], LETTER, discount_percent=100).total, Decimal("2.10"))

    def test_weights_add_up(self):
        with self.assertRaises(TooHeavy):
            quote([item("1.00", 6, weight_g=100)], LETTER)

    def test_the_parts_are_the_whole(self):
        for percent in range(0, 101, 7):
            for price in ("0.01", "9.99", "33.33", "149.95"):
                with self.subTest(percent=percent, price=price):
                    total = quote([item(price, 3, 19), item("0.33", 2, 7)], PARCEL, discount_percent=percent)
                    self.assertEqual(total.total, total.subtotal - total.discount + total.shipping + total.tax)
                    self.assertEqual(total.total, rounded(total.total))


class LoyaltyTests(unittest.TestCase):
    def test_points(self):
        for pounds, points in {"0.99": 0, "1.00": 1, "99.99": 99, "100.00": 110, "250.50": 275}.items():
            with self.subTest(pounds=pounds):
                self.assertEqual(loyalty_points(Decimal(pounds)), points)
