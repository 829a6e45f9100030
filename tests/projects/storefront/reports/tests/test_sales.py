from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.test import SimpleTestCase, TestCase, override_settings

from orders.models import Order
from reports import sales
from reports.export import csv_rows
from reports.models import ReportedOrder
from testing.factories import make_customer

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@override_settings(REPORTING_DATABASE="default")
class SalesTests(TestCase):
    """The sums alone: where they are read from is another matter, and another module's."""

    fixtures = ["sales.json"]

    def test_by_day(self):
        days = sales.by_day(NOON - timedelta(days=30), NOON)
        self.assertEqual(
            days,
            [
                sales.Day(date(2026, 3, 8), "GBP", 2, Decimal("70.00")),
                sales.Day(date(2026, 3, 9), "EUR", 1, Decimal("12.00")),
                sales.Day(date(2026, 3, 9), "GBP", 1, Decimal("20.00")),
            ],
        )

    def test_the_day_begins_at_midnight(self):
        days = sales.by_day(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
        self.assertEqual({day.day for day in days}, {date(2026, 3, 9)})

    def test_best_sellers(self):
        self.assertEqual(
            sales.best_sellers(2),
            [
                {"sku": "MUG", "name": "Mug", "sold": 6, "revenue": Decimal("60.00")},
                {"sku": "PLATE", "name": "Plate", "sold": 2, "revenue": Decimal("30.00")},
            ],
        )

    def test_overview(self):
        overview = sales.overview(NOON, days=2)
        self.assertEqual((overview["orders"], overview["revenue"]), (3, Decimal("62.00")))

    def test_overview_of_a_quiet_month(self):
        self.assertEqual(
            sales.overview(NOON - timedelta(days=365)), {"orders": 0, "revenue": Decimal(0), "average": None}
        )

    def test_customers_by_value(self):
        self.assertEqual(sales.customers_by_value(), [("grace", Decimal("70.00")), ("ada", Decimal("20.00"))])

    def test_what_is_not_paid_is_not_sold(self):
        self.assertEqual((Order.objects.count(), ReportedOrder.objects.sold().count()), (6, 4))

    def test_a_year_of_orders(self):
        customer = make_customer()
        Order.objects.bulk_create(
            Order(
                number=f"Y-{n}",
                customer=customer,
                email="y@example.com",
                currency_id="GBP",
                country="GB",
                status="paid",
                subtotal=n,
                total=n,
                placed_at=datetime(2025, 1, 1, 9, tzinfo=UTC) + timedelta(hours=17 * n),
            )
            for n in range(400)
        )
        days = sales.by_day(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
        self.assertEqual((len(days), sum(day.orders for day in days)), (284, 400))
        self.assertEqual(sum(day.revenue for day in days), sum(range(400)))


class ExportTests(SimpleTestCase):
    def test_rows(self):
        rows = csv_rows([sales.Day(date(2026, 3, 8), "GBP", 2, Decimal("70"))])
        self.assertEqual(list(rows), ["day,currency,orders,revenue\r\n", "2026-03-08,GBP,2,70.00\r\n"])
