"""Objects for tests. Each has what the model demands and can be told the rest."""

from decimal import Decimal
from itertools import count

from django.contrib.auth import get_user_model

from catalog.models import Category, Product
from inventory.models import StockLevel, Warehouse
from orders.models import Currency, Order, OrderLine

_numbers = count(1)


def make_user(username=None, **fields):
    username = username or f"customer{next(_numbers)}"
    fields.setdefault("email", f"{username}@example.com")
    return get_user_model().objects.create_user(username, password=fields.pop("password", None), **fields)


def make_customer(username=None, **fields):
    customer = make_user(username).customer
    for name, value in fields.items():
        setattr(customer, name, value)
    customer.save()
    return customer


def make_category(slug="mugs", **fields):
    return Category.objects.get_or_create(slug=slug, defaults={"name": slug.title(), **fields})[0]


def make_product(sku=None, *, category=None, **fields):
    sku = sku or f"SKU-{next(_numbers)}"
    fields = {"name": f"Product {sku}", "price": Decimal("10.00"), "weight_g": 300, **fields}
    return Product.objects.create(sku=sku, category=category or make_category(), **fields)


def make_stock(sku, on_hand=10, *, warehouse="MAIN", priority=0):
    place, _ = Warehouse.objects.get_or_create(code=warehouse, defaults={"name": warehouse, "priority": priority})
    return StockLevel.objects.create(warehouse=place, sku=sku, on_hand=on_hand)


def make_currency(code="GBP", per_pound=1):
    return Currency.objects.get_or_create(code=code, defaults={"name": code, "per_pound": per_pound})[0]


def make_order(customer=None, *lines, currency="GBP", **fields):
    """An order of *lines*: ``(sku, quantity, unit price)``."""
    lines = lines or [("MUG", 1, Decimal("10.00"))]
    subtotal = sum(quantity * price for _, quantity, price in lines)
    customer = customer or make_customer()
    fields = {"email": customer.user.email, "country": "GB", **fields}
    order = Order.objects.create(
        customer=customer, currency=make_currency(currency), subtotal=subtotal, total=subtotal, **fields
    )
    OrderLine.objects.bulk_create(
        OrderLine(order=order, sku=sku, name=sku.title(), quantity=quantity, unit_price=price)
        for sku, quantity, price in lines
    )
    return order
