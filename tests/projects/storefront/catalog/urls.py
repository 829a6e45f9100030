from django.urls import path

from catalog import views

app_name = "catalog"
urlpatterns = [
    path("", views.ProductListView.as_view(), name="product-list"),
    path("c/<slug:slug>/", views.ProductListView.as_view(), name="category"),
    path("p/<slug:sku>/", views.ProductDetailView.as_view(), name="product-detail"),
    path("p/<slug:sku>/images/new/", views.ProductImageUploadView.as_view(), name="image-upload"),
]
