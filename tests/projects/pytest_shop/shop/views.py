import json

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404

from shop.models import Product
from shop.orders import place


def products(request):
    return JsonResponse({"names": _names("default"), "page_size": settings.PAGE_SIZE})


def products_of_the_replica(request):
    return JsonResponse({"names": _names("replica")})


def order(request):
    asked_for = json.loads(request.body)
    placed = place(get_object_or_404(Product, name=asked_for["name"]), asked_for["quantity"])
    return JsonResponse({"total": str(placed.total)}, status=201)


@login_required(login_url="/")
def staff(request):
    return HttpResponse(f"hello {request.user}")


def _names(alias):
    return list(Product.objects.using(alias).order_by("pk").values_list("name", flat=True))
