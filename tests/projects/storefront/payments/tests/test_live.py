"""The gateway's notices and the shop's pages over real HTTP."""

import json
import urllib.error
import urllib.request

from django.test import LiveServerTestCase, override_settings
from django.urls import reverse

from orders.models import Order
from payments import gateway
from payments.models import Payment
from testing.factories import make_customer, make_order, make_product

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LiveTests(LiveServerTestCase):
    databases = {"default", "catalog"}

    def setUp(self):
        self.order = make_order(make_customer("ada"))
        Payment.objects.create(order=self.order, reference="R1", amount=self.order.total)

    def send(self, event, signature=None):
        body = json.dumps(event).encode()
        request = urllib.request.Request(
            self.live_server_url + reverse("payments:notice"),
            data=body,
            headers={"X-Signature": signature or gateway.sign(body)},
        )
        try:
            with opener.open(request, timeout=10) as response:
                return response.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def test_a_capture_is_taken(self):
        event = {"id": "E1", "type": "payment.captured", "reference": "R1"}
        self.assertEqual([self.send(event), self.send(event)], [204, 204])
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.PAID)

    def test_what_is_wrong_is_refused(self):
        event = {"id": "E1", "type": "payment.captured", "reference": "R1"}
        self.assertEqual(self.send(event, signature="forged"), 403)
        self.assertEqual(self.send({**event, "reference": "R9"}), 404)
        self.assertEqual(self.send({"id": "E1"}), 400)
        self.assertEqual(self.send(["no", "event"]), 400)
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.PLACED)

    def test_the_client_of_the_gateway_speaks_http(self):
        wrong = self.assertRaisesMessage(gateway.GatewayError, "the gateway answered 404")
        with override_settings(PAYMENT_GATEWAY_URL=self.live_server_url), wrong:
            gateway.authorise("SF-1", 1, "GBP", "tok_visa")

    def test_pages_and_data_of_both_databases(self):
        make_product("MUG", name="Blue mug")
        with opener.open(f"{self.live_server_url}/p/MUG/", timeout=10) as response:
            self.assertIn("<h1>Blue mug</h1>", response.read().decode())
        with opener.open(f"{self.live_server_url}/api/products/MUG/", timeout=10) as response:
            self.assertEqual(json.load(response)["name"], "Blue mug")
