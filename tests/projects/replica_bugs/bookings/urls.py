from django.urls import path

from . import careful, views

OF_AN_EVENT = ("book", "book_async", "book_once", "book_many", "book_by_api", "listing", "paged", "attendees", "export")
CAREFUL_OF_AN_EVENT = (
    *("book", "book_async", "book_and_wait", "book_and_log", "book_in_transaction"),
    *("send_ticket", "seats", "tag"),
)

urlpatterns = [
    *(
        path(f"{name}/<slug:slug>/", getattr(views, name))
        for name in (*OF_AN_EVENT, "statistics", "seats", "dashboard")
    ),
    *(path(f"{name}/<int:pk>/", getattr(views, name)) for name in ("cancel", "delete", "confirm", "bill", "pay")),
    path("schedule/<str:email>/", views.schedule),
    *(
        path(f"{name}/", getattr(views, name))
        for name in ("newest", "subscribe", "fill_basket", "basket", "join_staff", "staff_page", "change_password")
    ),
    path("log_in/", views.log_in),
    *(path(f"careful/{name}/<slug:slug>/", getattr(careful, name)) for name in CAREFUL_OF_AN_EVENT),
    *(path(f"careful/{name}/<int:pk>/", getattr(careful, name)) for name in ("find", "confirm", "bill", "refund", "delete")),
    *(
        path(f"careful/{name}/", getattr(careful, name))
        for name in ("statistics", "statistics_on_primary", "subscribe", "subscribe_once", "basket")
    ),
]
