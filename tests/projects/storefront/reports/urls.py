from django.urls import path

from reports import views

app_name = "reports"
urlpatterns = [
    path("overview/", views.overview, name="overview"),
    path("sales.csv", views.sales_csv, name="sales-csv"),
]
