"""The settings that all modules of settings here share."""

import os

SECRET_KEY = "for tests alone"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ROOT_URLCONF = "config.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "notes",
]


def database(name, engine="django.db.backends.postgresql", **more):
    return {
        "ENGINE": engine,
        "NAME": name,
        "USER": "odd",
        "PASSWORD": os.environ.get("ODD_PASSWORD", ""),
        "HOST": os.environ.get("ODD_HOST", "db.internal"),
        "PORT": os.environ.get("ODD_PORT", ""),
        **more,
    }
