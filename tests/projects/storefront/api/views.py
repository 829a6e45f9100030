import json

from django.core.paginator import Paginator
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from api.access import problem, token_required
from catalog.models import Product
from inventory.services import available
from orders.models import Order
from orders.services import CheckoutError, Delivery, place_order

PAGE_SIZE = 20


def product_data(product):
    return {
        "sku": product.sku,
        "name": product.name,
        "price": str(product.price),
        "currency": "GBP",
        "category": product.category.slug,
    }


def order_data(order):
    return {
        "number": order.number,
        "status": order.status,
        "total": str(order.total),
        "currency": order.currency_id,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in order.lines.all()],
    }


def page_of(request, queryset, render):
    page = Paginator(queryset, PAGE_SIZE).get_page(request.GET.get("page"))
    return JsonResponse(
        {
            "count": page.paginator.count,
            "next": page.next_page_number() if page.has_next() else None,
            "results": [render(one) for one in page],
        }
    )


@require_GET
def products(request):
    found = Product.objects.active().select_related("category")
    if text := request.GET.get("q"):
        found = found.search(text)
    return page_of(request, found, product_data)


@require_GET
async def product(request, sku):
    try:
        found = await Product.objects.active().select_related("category").aget(sku=sku)
    except Product.DoesNotExist:
        return problem(404, "There is no such product.")
    return JsonResponse({**product_data(found), "description": found.description})


@require_GET
def stock(request, sku):
    return JsonResponse({"sku": sku, "in_stock": available(sku) > 0})


@require_GET
@token_required
def orders(request):
    return page_of(request, Order.objects.of(request.user).prefetch_related("lines"), order_data)


@csrf_exempt
@require_POST
@token_required
def order_create(request):
    try:
        wanted = json.loads(request.body)
        lines = {str(line["sku"]): int(line["quantity"]) for line in wanted["lines"]}
        delivery = Delivery(country=wanted["country"], shipping=wanted["shipping"])
    except (ValueError, KeyError, TypeError):
        return problem(400, "Send lines, country and shipping.")
    cart = request.user.customer.carts.create()
    try:
        for sku, quantity in lines.items():
            cart.add(sku, quantity)
        order = place_order(cart, request.user.customer, delivery)
    except CheckoutError as error:
        cart.delete()
        return problem(409, str(error))
    return JsonResponse(order_data(order), status=201)
