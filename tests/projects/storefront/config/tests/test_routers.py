from django.contrib.auth.models import User
from django.db import connections, router
from django.test import SimpleTestCase, TestCase, override_settings

from catalog.models import Category, Product
from orders.models import Order, OrderLine
from reports.models import ReportedLine, ReportedOrder


class RoutingTests(SimpleTestCase):
    def test_reads_and_writes(self):
        cases = {
            Product: ("catalog", "catalog"),
            Order: ("default", "default"),
            User: ("default", "default"),
            ReportedOrder: ("replica", "default"),
            ReportedLine: ("replica", "default"),
        }
        for model, (read, write) in cases.items():
            with self.subTest(model=model.__name__):
                self.assertEqual((router.db_for_read(model), router.db_for_write(model)), (read, write))

    @override_settings(REPORTING_DATABASE="default")
    def test_reports_can_be_moved_off_the_replica(self):
        self.assertEqual(router.db_for_read(ReportedOrder), "default")

    def test_migrations_go_where_the_tables_are(self):
        cases = {
            ("default", "orders"): True,
            ("default", "catalog"): False,
            ("catalog", "catalog"): True,
            ("catalog", "auth"): False,
            ("replica", "orders"): False,
            ("replica", "catalog"): False,
        }
        for (alias, app_label), allowed in cases.items():
            with self.subTest(alias=alias, app_label=app_label):
                self.assertEqual(router.allow_migrate(alias, app_label), allowed)

    def test_nothing_relates_across_servers(self):
        self.assertFalse(router.allow_relation(Product(), OrderLine()))
        self.assertTrue(router.allow_relation(Product(), Category()))

    def test_the_shop_and_its_replica_relate(self):
        order, line = Order(), ReportedLine()
        order._state.db, line._state.db = "default", "replica"
        self.assertTrue(router.allow_relation(order, line))


class TableTests(TestCase):
    databases = {"default", "catalog"}

    def test_each_server_has_its_own_tables(self):
        tables = {alias: set(connections[alias].introspection.table_names()) for alias in self.databases}
        self.assertIn("orders_order", tables["default"])
        self.assertNotIn("catalog_product", tables["default"])
        self.assertIn("catalog_product", tables["catalog"])
        self.assertNotIn("orders_order", tables["catalog"])
        self.assertNotIn("auth_user", tables["catalog"])
