"""The client of the card gateway, and the signature of its notices."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request

from django.conf import settings

TIMEOUT_S = 5

# the gateway is reached directly, whatever proxy the environment names
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class GatewayError(Exception):
    """The gateway could not be asked, or gave no sensible answer."""


class Declined(Exception):
    """The gateway refused the card."""


def sign(body: bytes) -> str:
    return hmac.new(settings.PAYMENT_GATEWAY_SECRET.encode(), body, hashlib.sha256).hexdigest()


def is_genuine(body: bytes, signature: str) -> bool:
    return hmac.compare_digest(sign(body), signature)


def authorise(order_number, amount, currency, card_token):
    """Ask for the money; the gateway's reference comes back. Raises ``Declined`` or ``GatewayError``."""
    answer = _post(
        "/authorise",
        {"order": order_number, "amount": str(amount), "currency": currency, "card": card_token},
    )
    if answer.get("status") == "declined":
        raise Declined(answer.get("reason", "declined"))
    try:
        return answer["reference"]
    except KeyError:
        raise GatewayError("the gateway's answer has no reference") from None


def give_back(reference, amount):
    _post("/refund", {"reference": reference, "amount": str(amount)})


def _post(path, payload):
    body = json.dumps(payload).encode()
    request = urllib.request.Request(
        settings.PAYMENT_GATEWAY_URL + path,
        data=body,
        headers={"Content-Type": "application/json", "X-Signature": sign(body)},
    )
    for delay_s in (*settings.PAYMENT_RETRY_DELAYS_S, None):
        try:
            with _opener.open(request, timeout=TIMEOUT_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 or delay_s is None:
                raise GatewayError(f"the gateway answered {error.code}") from error
        except (OSError, ValueError) as error:
            if delay_s is None:
                raise GatewayError(f"the gateway cannot be asked: {error}") from error
        time.sleep(delay_s)
    raise AssertionError("unreachable")
