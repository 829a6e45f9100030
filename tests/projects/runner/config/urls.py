from django.http import HttpResponse
from django.urls import path

from shop.models import Item

urlpatterns = [path("", lambda request: HttpResponse(",".join(Item.objects.values_list("name", flat=True))))]
