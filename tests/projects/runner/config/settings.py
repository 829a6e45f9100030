"""Databases in memory: ``default``, a mirror of it, and another one that depends on it by Django's own rule."""

import os

SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
TEST_RUNNER = os.environ.get("RUNNER_CLASS", "django.test.runner.DiscoverRunner")


def database(name="", **options):
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": name or ":memory:", **options}


DATABASES = {
    "default": database(),
    "replica": database(TEST={"MIRROR": "default"}),
    "other": database(),
}
