"""The command ``shelf-server``, which takes the place of ``manage.py``."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

SQLITE = {"ENGINE": "django.db.backends.sqlite3"}
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "USER": "postgres", "HOST": os.environ.get("SHELF_HOST", "")}
DATABASES = {
    "sqlite": {"default": {**SQLITE}, "archive": {**SQLITE}},
    "postgres": {"default": {**POSTGRES, "NAME": "shelf"}, "archive": {**POSTGRES, "NAME": "archive"}},
}


def configure(database="sqlite", **more):
    settings.configure(
        SECRET_KEY="for tests alone",
        INSTALLED_APPS=["shelf"],
        DATABASES=DATABASES[database],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        **more,
    )


def main():
    configure(MEDIA_ROOT="/")
    execute_from_command_line(sys.argv)
