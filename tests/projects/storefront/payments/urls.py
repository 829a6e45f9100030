from django.urls import path

from payments import views

app_name = "payments"
urlpatterns = [
    path("notice/", views.notice, name="notice"),
    path("<slug:number>/", views.pay, name="pay"),
]
