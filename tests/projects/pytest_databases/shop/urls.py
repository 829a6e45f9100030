from django.http import JsonResponse
from django.urls import path

from shop.models import Item


def names(request, alias):
    return JsonResponse({"names": list(Item.objects.using(alias).values_list("name", flat=True))})


urlpatterns = [path("<str:alias>/", names)]
