from unittest import mock

from django.test import TestCase
from django.urls import reverse

from payments import gateway
from testing.factories import make_customer, make_order


class PayViewTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer("ada")
        cls.order = make_order(cls.customer)
        cls.url = reverse("payments:pay", args=[cls.order.number])

    def test_thanks(self):
        self.client.force_login(self.customer.user)
        with mock.patch("payments.gateway.authorise", return_value="R1"):
            response = self.client.post(self.url, {"card": "tok_visa"}, follow=True)
        self.assertContains(response, "We confirm your payment by mail.")

    def test_says_that_the_card_was_declined(self):
        self.client.force_login(self.customer.user)
        with mock.patch("payments.gateway.authorise", side_effect=gateway.Declined("expired")):
            response = self.client.post(self.url, {"card": "tok_visa"}, follow=True)
        self.assertContains(response, "The card was declined: expired.")

    def test_nobody_pays_for_another(self):
        self.client.force_login(make_customer("eve").user)
        self.assertEqual(self.client.post(self.url).status_code, 404)
