from django.urls import path

from pages import views

urlpatterns = [
    path("customers/", views.customers),
    path("customers/add/", views.add),
    path("secret/", views.secret),
    path("enter/", views.enter),
    path("write/", views.write),
]
