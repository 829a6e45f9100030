from django.urls import path

from orders import views

app_name = "orders"
urlpatterns = [
    path("", views.OrderListView.as_view(), name="list"),
    path("cart/add/", views.add_to_cart, name="add-to-cart"),
    path("checkout/", views.checkout, name="checkout"),
    path("<slug:number>/", views.OrderDetailView.as_view(), name="detail"),
    path("<slug:number>/cancel/", views.cancel, name="cancel"),
    path("<slug:number>/refund/", views.refund, name="refund"),
]
