from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("other/", lambda request: HttpResponse("other"))]
