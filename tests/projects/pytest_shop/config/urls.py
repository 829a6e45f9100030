from django.urls import path

from shop import views

urlpatterns = [
    path("", views.products, name="products"),
    path("replica/", views.products_of_the_replica, name="replica"),
    path("orders/", views.order, name="order"),
    path("staff/", views.staff, name="staff"),
]
