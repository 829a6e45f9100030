from django.urls import path

from . import views

urlpatterns = [
    path("", views.create),
    path("overview/", views.overview),
    path("overview/primary/", views.overview_on_primary),
    path("<slug:slug>/", views.detail, name="event"),
    *(
        path(f"<slug:slug>/{name}/", getattr(views, name))
        for name in ("edit", "page", "edit_page", "notes", "archive", "tag", "duplicate", "take_seat", "release_seat")
    ),
    path("<slug:slug>/release_seat/primary/", views.release_seat_on_primary),
]
