"""What is true of a primary and a real replica, and of nothing else.

Against one plain server, or two that do not replicate, leave these out: ``manage.py test --exclude-tag topology``.
"""

import json
import urllib.request
from unittest import skipUnless

from django.db import DatabaseError, connection, connections, transaction
from django.test import LiveServerTestCase, TestCase, TransactionTestCase, tag
from django.urls import reverse

from accounts.models import Customer
from orders.models import Currency, Order
from reports.models import ReportedOrder
from testing.factories import make_currency, make_customer, make_order, make_user

IDENTITY = {
    "postgresql": "SELECT host(inet_server_addr()), pg_is_in_recovery()",
    "mysql": "SELECT @@global.server_id, @@global.read_only",
}


def identity(alias):
    """Which server process answers for *alias*, and whether it is a replica."""
    with connections[alias].cursor() as cursor:
        cursor.execute(IDENTITY[connections[alias].vendor])
        server, is_replica = cursor.fetchone()
    return server, bool(is_replica)


@tag("topology")
@skipUnless(connection.vendor in IDENTITY, "The database is no server.")
class RealReplicaTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_another_process_answers(self):
        primary, replica = identity("default"), identity("replica")
        self.assertNotEqual(primary[0], replica[0])

    def test_the_replica_is_one(self):
        self.assertEqual((identity("default")[1], identity("replica")[1]), (False, True))

    def test_a_read_sees_what_was_committed_before_it(self):
        customer = make_customer()
        for number in range(20):
            order = make_order(customer)
            self.assertEqual(Order.objects.using("replica").get(pk=order.pk).number, order.number, number)

    def test_a_read_does_not_see_what_is_not_committed(self):
        with transaction.atomic():
            order = make_order()
            self.assertFalse(ReportedOrder.objects.filter(pk=order.pk).exists())
        self.assertTrue(ReportedOrder.objects.filter(pk=order.pk).exists())

    def test_takes_no_writes(self):
        pound = make_currency("GBP")  # the migrations', unless a flush has emptied the table
        with self.assertRaises(DatabaseError):
            Currency.objects.using("replica").create(code="CHF", name="Franc", per_pound=1)
        with self.assertRaises(DatabaseError):
            Currency.objects.using("replica").update(name="Changed")
        self.assertEqual(Currency.objects.get(pk="GBP").name, pound.name)


@tag("topology")
class MirrorTests(TestCase):
    """Inside the transaction of a ``TestCase`` the mirror shows what its primary does, and takes no writes."""

    databases = {"default", "replica"}

    @classmethod
    def setUpTestData(cls):
        cls.order = make_order(make_customer("ada"), status=Order.Status.PAID)

    def test_shows_what_is_not_committed(self):
        Order.objects.filter(pk=self.order.pk).update(country="NL")
        self.assertEqual(Order.objects.using("replica").get(pk=self.order.pk).country, "NL")

    def test_shows_the_data_of_the_class(self):
        self.assertQuerySetEqual(ReportedOrder.objects.sold().values_list("number", flat=True), [self.order.number])

    def test_takes_no_writes(self):
        with self.assertRaises(DatabaseError), transaction.atomic(using="replica"):
            Customer.objects.using("replica").update(phone="0")
        self.assertEqual(Customer.objects.get().phone, "")

    def test_the_primary_goes_on_after_a_refused_write(self):
        with self.assertRaises(DatabaseError), transaction.atomic(using="replica"):
            Currency.objects.using("replica").create(code="CHF", name="Franc", per_pound=1)
        Currency.objects.create(code="CHF", name="Franc", per_pound=1)
        self.assertTrue(Currency.objects.using("replica").filter(pk="CHF").exists())


@tag("topology")
class LiveReplicaTests(LiveServerTestCase):
    """The threads of a live server have connections of their own, to the same replica."""

    databases = {"default", "replica"}

    def test_reports_of_what_was_committed(self):
        make_order(make_customer("ada"), status=Order.Status.PAID)
        self.client.force_login(make_user("root", is_superuser=True))
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.client.cookies.items())
        self.assertEqual(self.fetch(reverse("reports:overview"), cookies)["orders"], 1)

    def fetch(self, path, cookies):
        request = urllib.request.Request(self.live_server_url + path, headers={"Cookie": cookies})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as response:
            return json.load(response)
