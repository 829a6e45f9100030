import io
import json
import urllib.error
from decimal import Decimal
from unittest import mock

from django.test import SimpleTestCase, override_settings

from payments import gateway


def answer(**payload):
    return io.BytesIO(json.dumps(payload).encode())


def failure(code):
    return urllib.error.HTTPError("https://gateway.example", code, "no", {}, io.BytesIO())


class SignatureTests(SimpleTestCase):
    def test_is_that_of_the_body(self):
        signature = gateway.sign(b'{"id": 1}')
        self.assertTrue(gateway.is_genuine(b'{"id": 1}', signature))
        self.assertFalse(gateway.is_genuine(b'{"id": 2}', signature))

    def test_depends_on_the_secret(self):
        signature = gateway.sign(b"body")
        with override_settings(PAYMENT_GATEWAY_SECRET="another"):
            self.assertFalse(gateway.is_genuine(b"body", signature))


@override_settings(PAYMENT_RETRY_DELAYS_S=(0.01, 0.03))
class GatewayTests(SimpleTestCase):
    def setUp(self):
        patcher = mock.patch.object(gateway._opener, "open")
        self.open = patcher.start()
        self.addCleanup(patcher.stop)

    def authorise(self):
        return gateway.authorise("SF-1", Decimal("12.50"), "GBP", "tok_visa")

    def test_sends_a_signed_request(self):
        self.open.return_value = answer(status="ok", reference="R1")
        self.assertEqual(self.authorise(), "R1")
        (request,) = self.open.call_args.args
        self.assertEqual(request.full_url, "https://gateway.example/authorise")
        self.assertEqual(json.loads(request.data)["amount"], "12.50")
        self.assertTrue(gateway.is_genuine(request.data, request.get_header("X-signature")))

    def test_a_declined_card(self):
        self.open.return_value = answer(status="declined", reason="insufficient funds")
        with self.assertRaisesMessage(gateway.Declined, "insufficient funds"):
            self.authorise()

    def test_tries_again_when_the_gateway_stumbles(self):
        self.open.side_effect = [failure(502), TimeoutError(), answer(status="ok", reference="R3")]
        self.assertEqual(self.authorise(), "R3")

    def test_gives_up_in_the_end(self):
        self.open.side_effect = [failure(502), failure(503), failure(504)]
        with self.assertRaisesMessage(gateway.GatewayError, "the gateway answered 504"):
            self.authorise()

    def test_does_not_repeat_what_is_wrong(self):
        self.open.side_effect = [failure(400)]
        with self.assertRaisesMessage(gateway.GatewayError, "the gateway answered 400"):
            self.authorise()
        self.assertEqual(self.open.call_count, 1)

    def test_an_answer_that_makes_no_sense(self):
        self.open.side_effect = lambda *args, **kwargs: io.BytesIO(b"<html>")
        with self.assertRaisesMessage(gateway.GatewayError, "the gateway cannot be asked"):
            self.authorise()

    def test_an_answer_without_a_reference(self):
        self.open.return_value = answer(status="ok")
        with self.assertRaisesMessage(gateway.GatewayError, "the gateway's answer has no reference"):
            self.authorise()
