from django.db import transaction
from django.db.models import F

import inventory.services
import orders.services
from orders.models import Order
from payments import gateway
from payments.models import GatewayEvent, Payment

Status = Payment.Status


class PaymentError(Exception):
    """The payment did not go through; the message is for the one who pays."""


def pay(order, card_token):
    """Authorise the order's total. The order is paid when the gateway's notice of the capture comes."""
    if order.status != Order.Status.PLACED:
        raise PaymentError("This order does not wait for a payment.")
    try:
        reference = gateway.authorise(order.number, order.total, order.currency_id, card_token)
    except gateway.Declined as error:
        raise PaymentError(f"The card was declined: {error}.") from error
    except gateway.GatewayError as error:
        raise PaymentError("Payments do not work at the moment.") from error
    return Payment.objects.create(order=order, reference=reference, amount=order.total)


@transaction.atomic
def handle_event(event):
    """Apply a notice of the gateway's. ``False`` if it was applied before. Raises ``Payment.DoesNotExist``."""
    _, is_new = GatewayEvent.objects.get_or_create(
        event_id=event["id"], defaults={"kind": event["type"], "payload": event}
    )
    if not is_new:
        return False
    payment = Payment.objects.select_for_update().get(reference=event["reference"])
    if event["type"] == "payment.captured" and payment.status == Status.AUTHORISED:
        payment.status = Status.CAPTURED
        payment.save(update_fields=["status"])
        orders.services.mark_paid(payment.order, payment.reference)
    elif event["type"] == "payment.declined" and payment.status == Status.AUTHORISED:
        payment.status = Status.DECLINED
        payment.save(update_fields=["status"])
    return True


@transaction.atomic
def refund(order, amount=None, reason=""):
    """Give back *amount*, or all that is left. The order is refunded when nothing is left."""
    payment = Payment.objects.select_for_update().filter(order=order, status=Status.CAPTURED).first()
    if payment is None:
        raise PaymentError("Nothing has been paid for this order.")
    left = payment.amount - payment.refunded
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise PaymentError(f"Between 0 and {left} can be given back.")
    made = payment.refunds.create(amount=amount, reason=reason)
    Payment.objects.filter(pk=payment.pk).update(refunded=F("refunded") + amount)
    if amount == left:
        order.become(Order.Status.REFUNDED, reason=reason)
        inventory.services.release(order.number)
    gateway.give_back(payment.reference, amount)
    return made
