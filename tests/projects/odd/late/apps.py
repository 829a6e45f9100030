from django.apps import AppConfig
from django.conf import settings
from django.db import connections


class LateConfig(AppConfig):
    name = "late"

    def ready(self):
        options = {"application_name": "late", "sslmode": "prefer"}
        # Django has made a connection of this one, for the lengths of its names: another dictionary would not count
        settings.DATABASES["default"].update(NAME="odd_late", USER="odd", OPTIONS=options)
        settings.DATABASES["other"] = {**settings.DATABASES["other"], "ENGINE": "config.backend", "OPTIONS": options}
        connections.databases["third"]["TEST"]["NAME"] = "odd_third"
