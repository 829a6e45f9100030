"""The databases of Django's documentation: a mirror, the suits of cards with their creation order, and the test settings.

``DOCUMENTED_ENGINE`` chooses the driver; with ``DOCUMENTED_SPELLING=flat`` the settings are spelled as in Django 1.4.
"""

import os

ENGINE = os.environ.get("DOCUMENTED_ENGINE", "postgresql")
IS_FLAT = os.environ.get("DOCUMENTED_SPELLING") == "flat"
SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["cards"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
OF_ENGINE = {
    "postgresql": {"CHARSET": "UTF8"} if IS_FLAT else {"CHARSET": "UTF8", "TEMPLATE": "template0"},
    "mysql": {"CHARSET": "latin1", "COLLATION": "latin1_bin"},
}


def database(name, host, **test):
    keys = {f"TEST_{key}": value for key, value in test.items()} if IS_FLAT else {"TEST": test}
    return {"ENGINE": f"django.db.backends.{ENGINE}", "NAME": name, "USER": "cards", "HOST": host, **keys}


DATABASES = {
    "spades": database("spades", "dbprimary", DEPENDENCIES=["diamonds", "hearts"]),
    "hearts": database("hearts", "dbprimary", DEPENDENCIES=["diamonds", "clubs"]),
    "clubs": database("clubs", "dbprimary", DEPENDENCIES=["diamonds"]),
    "apart": database("myproject", "dbapart"),
    "named": database("named", "dbprimary", NAME="mytestdatabase", **OF_ENGINE[ENGINE]),
    "replica": database("myproject", "dbreplica", MIRROR="default"),
    "default": database("myproject", "dbprimary", DEPENDENCIES=["diamonds"]),
    "diamonds": database("diamonds", "dbprimary", DEPENDENCIES=[]),
}
if not IS_FLAT:
    DATABASES["bare"] = database("bare", "dbprimary", MIGRATE=False)

if ENGINE == "mysql":
    import pymysql

    pymysql.install_as_MySQLdb()
