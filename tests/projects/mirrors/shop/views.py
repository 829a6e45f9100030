from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpResponseRedirect, JsonResponse
from django.urls import path

from .models import Item, is_replica


def items(request):
    """The items, with the alias that the router or the query's ``using`` chose, and the role of its server."""
    if request.method == "POST":
        with transaction.atomic():
            Item.objects.create(name=request.POST["name"])
        return HttpResponseRedirect("/items/")
    found = Item.objects.using(request.GET["using"]) if "using" in request.GET else Item.objects.all()
    alias = found.db
    names = [item.name for item in found.order_by("id")]
    return JsonResponse({"alias": alias, "is_replica": is_replica(alias), "names": names})


async def items_async(request):
    found = Item.objects.using("replica")
    await Item.objects.acreate(name="written by the view")
    names = [item.name async for item in found.order_by("id")]
    return JsonResponse({"names": names, "count": await sync_to_async(found.count)()})


urlpatterns = [path("items/", items), path("async/", items_async)]
