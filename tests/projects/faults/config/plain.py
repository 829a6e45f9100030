"""The same on SQLite, for Django's own runner: what it does with the faults that its runner is known for."""

from config.settings import *  # noqa: F403 - settings are made of settings

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "replica": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "TEST": {"MIRROR": "default"}},
}
