"""What an order costs. Plain arithmetic: no database, no settings."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


class TooHeavy(Exception):
    pass


@dataclass(frozen=True)
class Item:
    sku: str
    name: str
    unit_price: Decimal
    quantity: int
    tax_percent: Decimal = Decimal(0)
    weight_g: int = 0

    @property
    def total(self):
        return self.unit_price * self.quantity


@dataclass(frozen=True)
class Carriage:
    """The terms of a shipping method."""

    price: Decimal
    max_weight_g: int
    free_from: Decimal | None = None


@dataclass(frozen=True)
class Quote:
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal

    @property
    def total(self):
        return self.subtotal - self.discount + self.shipping + self.tax


def rounded(amount, exponent=2):
    """*amount* in the currency's smallest unit, halves up: ``exponent`` is 2 for pence, 0 for yen."""
    return Decimal(amount).quantize(Decimal(1).scaleb(-exponent), rounding=ROUND_HALF_UP)


def convert(amount, per_pound, exponent=2):
    return rounded(amount * per_pound, exponent)


def shipping_cost(carriage, goods_total, weight_g):
    """Raises ``TooHeavy``."""
    if weight_g > carriage.max_weight_g:
        raise TooHeavy(f"{weight_g} g, at most {carriage.max_weight_g} g")
    if carriage.free_from is not None and goods_total >= carriage.free_from:
        return Decimal(0)
    return carriage.price


def quote(items, carriage, *, discount_percent=0, exponent=2):
    """The whole sum. A discount lowers the tax on each item in proportion; shipping is not taxed."""
    subtotal = sum((item.total for item in items), Decimal(0))
    discount = rounded(subtotal * discount_percent / 100, exponent)
    kept = Decimal(100 - discount_percent) / 100
    tax = sum((rounded(item.total * kept * item.tax_percent / 100, exponent) for item in items), Decimal(0))
    weight_g = sum(item.weight_g * item.quantity for item in items)
    shipping = shipping_cost(carriage, subtotal - discount, weight_g)
    return Quote(rounded(subtotal, exponent), discount, rounded(shipping, exponent), tax)


def loyalty_points(total_in_pounds):
    """A point for each whole pound, and a tenth more from a hundred on."""
    points = int(total_in_pounds)
    return points + points // 10 if points >= 100 else points
