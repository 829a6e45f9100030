"""Two primaries, two replicas of the first and one of the second; ``MIRRORS_ENGINE`` and ``MIRRORS_OPTIONS`` choose the driver."""

import json
import os

from django_replicated.settings import *  # noqa: F403 - as its documentation asks

ENGINE = os.environ.get("MIRRORS_ENGINE", "postgresql")
SECRET_KEY = "for tests alone"
ROOT_URLCONF = "shop.views"
STATIC_URL = MEDIA_URL = "static/"
ALLOWED_HOSTS = ["localhost", "testserver"]
INSTALLED_APPS = ["shop"]
MIGRATION_MODULES = {"shop": None}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIRROR_OF = {"replica": "default", "second": "default", "far": "other"}
DATABASES = {
    alias: {
        "ENGINE": f"django.db.backends.{ENGINE}",
        "NAME": MIRROR_OF.get(alias, alias),
        "USER": "shop",
        "HOST": alias,
        "OPTIONS": json.loads(os.environ.get("MIRRORS_OPTIONS", "{}")),
        "TEST": {"MIRROR": MIRROR_OF.get(alias)},
    }
    for alias in ("default", "replica", "second", "other", "far")
}
REPLICA_DATABASES = REPLICATED_DATABASE_SLAVES = ["replica", "second"]

if ENGINE == "mysql":
    import pymysql

    pymysql.install_as_MySQLdb()
