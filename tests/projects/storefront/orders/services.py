from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

import inventory.services
from catalog.models import Product
from notifications import mails
from orders import pricing
from orders.models import Cart, Currency, Order, OrderLine, ShippingMethod, TaxRate, Voucher

Status = Order.Status


class CheckoutError(Exception):
    """The cart cannot be ordered; the message is for the customer."""


@dataclass(frozen=True)
class Delivery:
    country: str
    shipping: str
    currency: str = "GBP"
    voucher: str = ""


def quote_cart(cart, delivery):
    """The items of *cart* and what they cost, without ordering them. Raises ``CheckoutError``."""
    currency = Currency.objects.get(pk=delivery.currency)
    items = _items(cart, delivery, currency)
    try:
        method = ShippingMethod.objects.get(code=delivery.shipping)
        carriage = pricing.Carriage(
            price=pricing.convert(method.price, currency.per_pound, currency.exponent),
            max_weight_g=method.max_weight_g,
            free_from=method.free_from and pricing.convert(method.free_from, currency.per_pound, currency.exponent),
        )
        voucher = _voucher(delivery.voucher)
        quote = pricing.quote(
            items, carriage, discount_percent=voucher.percent if voucher else 0, exponent=currency.exponent
        )
    except ShippingMethod.DoesNotExist:
        raise CheckoutError("We do not ship this way.") from None
    except pricing.TooHeavy:
        raise CheckoutError(f"This is too heavy for {method.name}.") from None
    return items, quote, method, voucher


def place_order(cart, customer, delivery):
    """Turn *cart* into an order, reserve its goods, and confirm it by mail once it is committed.

    Raises ``CheckoutError``, and then everything is as it was.
    """
    items, quote, method, voucher = quote_cart(cart, delivery)
    with transaction.atomic():
        if voucher and not voucher.redeem():
            raise CheckoutError("The voucher has just been used up.")
        order = Order.objects.create(
            customer=customer,
            email=customer.user.email,
            currency_id=delivery.currency,
            country=delivery.country,
            shipping_method=method,
            voucher=voucher,
            subtotal=quote.subtotal,
            discount=quote.discount,
            shipping=quote.shipping,
            tax=quote.tax,
            total=quote.total,
        )
        OrderLine.objects.bulk_create(
            OrderLine(
                order=order,
                sku=item.sku,
                name=item.name,
                unit_price=item.unit_price,
                quantity=item.quantity,
                tax_percent=item.tax_percent,
            )
            for item in items
        )
        for item in items:
            try:
                inventory.services.reserve(item.sku, item.quantity, reference=order.number)
            except inventory.services.OutOfStock as error:
                raise CheckoutError(f"We have only {error.available} of {item.name}.") from error
        order.events.create(kind=Status.PLACED, data={"items": sum(item.quantity for item in items)})
        cart.delete()
        transaction.on_commit(lambda: mails.send_order_confirmation(order))
    return order


@transaction.atomic
def mark_paid(order, reference):
    order.become(Status.PAID, reference=reference)
    pounds = order.total / order.currency.per_pound
    order.customer.earn(pricing.loyalty_points(pounds))
    transaction.on_commit(lambda: mails.send_receipt(order), robust=True)


@transaction.atomic
def ship(order):
    order.become(Status.SHIPPED)
    inventory.services.ship(order.number)


@transaction.atomic
def cancel(order, reason=""):
    order.become(Status.CANCELLED, reason=reason)
    inventory.services.release(order.number)


def expire_carts(older_than):
    """Remove the carts that nobody has come back to. Returns how many."""
    stale = Cart.objects.filter(created_at__lt=timezone.now() - older_than)
    _, removed = stale.delete()
    return removed.get("orders.Cart", 0)


def _items(cart, delivery, currency):
    lines = list(cart.lines.all())
    if not lines:
        raise CheckoutError("The cart is empty.")
    products = Product.objects.active().in_bulk([line.sku for line in lines], field_name="sku")
    rates = dict(TaxRate.objects.filter(country=delivery.country).values_list("tax_class", "percent"))
    if not rates:
        raise CheckoutError("We do not ship to this country.")
    items = []
    for line in lines:
        product = products.get(line.sku)
        if product is None:
            raise CheckoutError(f"{line.sku} is not sold any more.")
        items.append(
            pricing.Item(
                sku=product.sku,
                name=product.name,
                unit_price=pricing.convert(product.price, currency.per_pound, currency.exponent),
                quantity=line.quantity,
                tax_percent=rates[product.tax_class],
                weight_g=product.weight_g,
            )
        )
    return items


def _voucher(code):
    if not code:
        return None
    voucher = Voucher.objects.usable().filter(code=code.upper()).first()
    if voucher is None:
        raise CheckoutError("This voucher is not valid.")
    return voucher
