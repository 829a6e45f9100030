"""The settings that all modules of settings here share."""

import os
import sys

env = os.environ.get

SECRET_KEY = "a library's"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "library"]

# as projects did it before there was a better way
TESTING = "test" in sys.argv
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def server(host="db.library.internal", name="library", **more):
    return {
        "ENGINE": env("LEGACY_DB_ENGINE", "django.db.backends.postgresql"),
        "NAME": name,
        "USER": env("LEGACY_DB_USER", "librarian"),
        "PASSWORD": env("LEGACY_DB_PASSWORD", ""),
        "HOST": env("LEGACY_DB_HOST", host),
        "PORT": env("LEGACY_DB_PORT", ""),
        **more,
    }


def replica(**more):
    return {**server(**more), "HOST": env("LEGACY_REPLICA_HOST", "replica.library.internal")}


# what the tests are to find
MIRRORS = {}
SHARED = {}
TEST_NAMES = {}
