"""Settings of the faults: a primary and a mirror on another server."""

import os

env = os.environ.get

SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True


def database(host, **test):
    return {"ENGINE": "django.db.backends.postgresql", "NAME": "faults", "USER": env("FAULTS_USER", "faults"), "HOST": host, "TEST": test}


DATABASES = {
    "default": database("db-primary.internal"),
    "replica": database("db-replica.internal", MIRROR="default"),
}
