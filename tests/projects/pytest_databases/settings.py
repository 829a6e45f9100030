"""Two servers and a replica.

``close`` is a mirror on the server of ``default``; ``near`` and ``twin`` are there too, and ``twin`` is the database of ``default``.
"""

import os

SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "shop.urls"
ALLOWED_HOSTS = ["*"]
STATIC_URL = "static/"
MEDIA_URL = "media/"
ENGINE = os.environ.get("SHOP_ENGINE", "sqlite3")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")

if ENGINE == "mysql":
    import pymysql

    pymysql.install_as_MySQLdb()


def database(name, host, **test):
    where = {"NAME": name, "HOST": host, "USER": "shop"}
    if ENGINE == "sqlite3":
        where = {"NAME": f"{name}.sqlite3"}
        if "MIRROR" not in test and os.environ.get("SHOP_FILES"):
            test["NAME"] = f"test_{name}.sqlite3"
    return {"ENGINE": f"django.db.backends.{ENGINE}", **where, "TEST": test}


DATABASES = {
    "default": database("shop", "db1"),
    "replica": database("shop", "db2", MIRROR="default"),
    "close": database("shop", "db1", MIRROR="default"),
    "other": database("other", "db3"),
    "near": database("near", "db1", DEPENDENCIES=["other"]),
    "twin": database("shop", "db1"),
}
