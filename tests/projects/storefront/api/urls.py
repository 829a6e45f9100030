from django.urls import path

from api import views

app_name = "api"
urlpatterns = [
    path("products/", views.products, name="products"),
    path("products/<slug:sku>/", views.product, name="product"),
    path("products/<slug:sku>/stock/", views.stock, name="stock"),
    path("orders/", views.orders, name="orders"),
    path("orders/new/", views.order_create, name="order-create"),
]
