"""Reports read what was committed from the replica."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

from django.core.management import call_command
from django.test import TestCase, TransactionTestCase
from django.urls import reverse
from django.utils import timezone

from orders.models import Order
from reports import sales
from reports.models import ReportedLine, ReportedOrder
from testing.factories import make_customer, make_order, make_user


class ReplicaTests(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        self.ada, self.grace = make_customer("ada"), make_customer("grace")
        self.now = timezone.now()
        self.sell(self.ada, ("MUG", 3, Decimal("10.00")))
        self.sell(self.grace, ("MUG", 1, Decimal("10.00")), ("PEN", 2, Decimal("1.50")))

    def sell(self, customer, *lines, status=Order.Status.PAID):
        return make_order(customer, *lines, status=status, placed_at=self.now - timedelta(hours=1))

    def test_what_is_written_is_read(self):
        self.assertEqual(ReportedOrder.objects.count(), 2)
        self.sell(self.ada)
        self.assertEqual(ReportedOrder.objects.count(), 3)
        self.assertEqual({order._state.db for order in ReportedOrder.objects.all()}, {"replica"})

    def test_what_a_line_belongs_to_comes_from_there_too(self):
        line = ReportedLine.objects.filter(sku="PEN").get()
        with self.assertNumQueries(1, using="replica"), self.assertNumQueries(0, using="default"):
            self.assertEqual(line.order.customer_id, self.grace.pk)

    def test_a_change_of_status_arrives(self):
        order = Order.objects.filter(customer=self.ada).get()
        order.become(Order.Status.REFUNDED)
        self.assertEqual(sales.customers_by_value(), [("grace", Decimal("13.00"))])

    def test_the_command_prints_what_was_sold(self):
        table, rows = StringIO(), StringIO()
        call_command("sales_report", stdout=table)
        call_command("sales_report", "--format=csv", stdout=rows)
        self.assertEqual(table.getvalue().splitlines()[-1], "2 orders")
        self.assertIn("43.00 GBP", table.getvalue())
        self.assertEqual(rows.getvalue().splitlines()[0], "day,currency,orders,revenue")
        self.assertIn(",GBP,2,43.00", rows.getvalue())

    def test_many_writes_each_read_at_once(self):
        for expected in range(3, 13):
            self.sell(self.ada)
            self.assertEqual(ReportedOrder.objects.using("replica").count(), expected)


class ReportViewTests(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        make_order(make_customer("ada"), ("MUG", 3, Decimal("10.00")), status=Order.Status.PAID)
        self.client.force_login(make_user("director", is_superuser=True))

    def test_the_overview_and_the_csv(self):
        data = self.client.get(reverse("reports:overview")).json()
        self.assertEqual((data["orders"], data["revenue"], data["best_sellers"][0]["sku"]), (1, "30.00", "MUG"))
        response = self.client.get(reverse("reports:sales-csv"))
        self.assertTrue(response.streaming)
        self.assertEqual(response["Content-Disposition"], 'attachment; filename="sales.csv"')
        self.assertEqual(b"".join(response.streaming_content).count(b"\r\n"), 2)


class ReportPermissionTests(TestCase):
    databases = {"default", "catalog"}

    def test_nobody_sees_the_sales_without_permission(self):
        self.client.force_login(make_user("clerk", is_staff=True))
        for name in ("reports:overview", "reports:sales-csv"):
            with self.subTest(name):
                self.assertEqual(self.client.get(reverse(name)).status_code, 403)
