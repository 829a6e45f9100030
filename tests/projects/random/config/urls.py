from django.http import HttpResponse
from django.urls import path
from library.models import Tag


def count(request):
    return HttpResponse(str(Tag.objects.count()))


def broken(request):
    raise LookupError("the view is broken")


urlpatterns = [path("count/", count), path("broken/", broken)]
