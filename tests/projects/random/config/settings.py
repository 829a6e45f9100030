"""Two databases and a mirror of the first, on SQLite or on PostgreSQL.

Plain Django cannot make a replica: where RANDOM_HOST names one server, all three aliases are there, under RANDOM_NAME.
"""

import os

SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["library"]
ROOT_URLCONF = "config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
GREETING = "hello"
ONE_SERVER = os.environ.get("RANDOM_HOST")


def database(alias, **test):
    if os.environ.get("RANDOM_ENGINE", "sqlite") == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "TEST": test}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": ONE_SERVER or f"{alias}.invalid",
        "PORT": os.environ.get("RANDOM_PORT", "5432"),
        "USER": "library",
        "PASSWORD": os.environ.get("RANDOM_PASSWORD", ""),
        "NAME": os.environ.get("RANDOM_NAME", "library") + ("_other" if alias == "other" else ""),
        "TEST": test,
    }


DATABASES = {
    "default": database("default"),
    "other": database("other", DEPENDENCIES=[]),
    "replica": database("replica", MIRROR="default"),
}
