from functools import partial

from django.core.mail import send_mail
from django.db import transaction

from shop.models import Order


def place(product, quantity=1):
    """An order, which is confirmed by mail once it is committed."""
    order = Order.objects.create(product=product, quantity=quantity)
    transaction.on_commit(partial(confirm, order))
    return order


def confirm(order):
    send_mail(f"Order {order.pk}", f"{order.quantity} {order.product.name}", "shop@example.com", ["a@example.com"])


def exchange_rate(currency):
    """Asks a service that tests replace."""
    raise NotImplementedError(currency)
