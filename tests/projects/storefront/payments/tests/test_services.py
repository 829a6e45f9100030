from decimal import Decimal
from unittest import mock

from django.db import IntegrityError, transaction
from django.test import TestCase, skipUnlessDBFeature

import inventory.services
from orders.models import Order
from payments import gateway, services
from payments.models import GatewayEvent, Payment, Refund
from testing.factories import make_customer, make_order, make_stock


class PayTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.order = make_order(make_customer("ada"), ("MUG", 2, Decimal("8.50")))

    def test_authorises_the_total(self):
        with mock.patch("payments.gateway.authorise", return_value="R1") as authorise:
            payment = services.pay(self.order, "tok_visa")
        authorise.assert_called_once_with(self.order.number, Decimal("17.00"), "GBP", "tok_visa")
        self.assertEqual((payment.reference, payment.status), ("R1", Payment.Status.AUTHORISED))

    def test_what_goes_wrong_is_told_plainly(self):
        cases = {
            "The card was declined: stolen.": gateway.Declined("stolen"),
            "Payments do not work at the moment.": gateway.GatewayError("502"),
        }
        for message, error in cases.items():
            failing = mock.patch("payments.gateway.authorise", side_effect=error)
            with self.subTest(message), failing, self.assertRaisesMessage(services.PaymentError, message):
                services.pay(self.order, "tok_visa")
        self.assertFalse(Payment.objects.exists())

    def test_an_order_is_paid_once(self):
        self.order.become(Order.Status.PAID)
        with self.assertRaisesMessage(services.PaymentError, "does not wait for a payment"):
            services.pay(self.order, "tok_visa")


class RefundTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.order = make_order(make_customer("ada"), ("MUG", 2, Decimal("8.50")), status=Order.Status.PAID)
        cls.payment = Payment.objects.create(
            order=cls.order, reference="R1", amount=Decimal("17.00"), status=Payment.Status.CAPTURED
        )
        make_stock("MUG", 5)
        inventory.services.reserve("MUG", 2, cls.order.number)

    def setUp(self):
        self.give_back = self.enterContext(mock.patch("payments.gateway.give_back"))

    def test_all_of_it(self):
        services.refund(self.order, reason="broken")
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.REFUNDED)
        self.assertEqual(inventory.services.available("MUG"), 5)
        self.give_back.assert_called_once_with("R1", Decimal("17.00"))

    def test_in_parts(self):
        services.refund(self.order, Decimal("8.50"))
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.PAID)
        services.refund(self.order)
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.REFUNDED)
        self.assertEqual(list(Refund.objects.values_list("amount", flat=True)), [Decimal("8.50")] * 2)

    def test_not_more_than_there_is(self):
        for amount in (Decimal("17.01"), Decimal(0), Decimal(-1)):
            with self.subTest(amount=amount), self.assertRaises(services.PaymentError):
                services.refund(self.order, amount)

    def test_a_gateway_that_fails_undoes_it(self):
        self.give_back.side_effect = gateway.GatewayError("502")
        with self.assertRaises(gateway.GatewayError):
            services.refund(self.order)
        self.assertFalse(Refund.objects.exists())
        self.assertEqual(Order.objects.get(pk=self.order.pk).status, Order.Status.PAID)

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_knows_the_limit(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Payment.objects.filter(pk=self.payment.pk).update(refunded=Decimal("17.01"))


class EventTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.order = make_order(make_customer("ada"))
        cls.payment = Payment.objects.create(order=cls.order, reference="R1", amount=cls.order.total)

    def event(self, id="E1", type="payment.captured", reference="R1"):
        return services.handle_event({"id": id, "type": type, "reference": reference})

    def test_a_capture_pays_the_order(self):
        self.assertTrue(self.event())
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.PAID)

    def test_the_same_event_counts_once(self):
        self.event()
        self.assertFalse(self.event())
        self.assertEqual(self.order.events.count(), 1)

    def test_two_captures_pay_once(self):
        self.event("E1")
        self.event("E2")
        self.assertEqual(self.order.events.count(), 1)
        self.assertEqual(GatewayEvent.objects.count(), 2)

    def test_a_decline_leaves_the_order_waiting(self):
        self.event(type="payment.declined")
        self.payment.refresh_from_db()
        self.order.refresh_from_db()
        self.assertEqual((self.payment.status, self.order.status), ("declined", "placed"))

    def test_an_event_for_nothing_is_not_kept(self):
        with self.assertRaises(Payment.DoesNotExist):
            self.event(reference="R9")
        self.assertFalse(GatewayEvent.objects.exists())
