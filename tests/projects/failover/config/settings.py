"""A primary and a replica. A server that does not answer is given up after two seconds."""

import os

ENGINE = os.environ.get("FAILOVER_ENGINE", "postgresql")
if ENGINE == "mysql":
    import pymysql

    pymysql.install_as_MySQLdb()

SECRET_KEY = "insecure-key-for-tests"  # noqa: S105
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["shop"]
DATABASE_ROUTERS = ["shop.failover.Router"]
DATABASES = {
    alias: {
        "ENGINE": f"django.db.backends.{ENGINE}",
        "NAME": "failover",
        "USER": "shop",
        "HOST": f"{alias}.example.org",
        "OPTIONS": {"connect_timeout": 2, **({"read_timeout": 2} if ENGINE == "mysql" else {})},
        "TEST": {} if alias == "default" else {"MIRROR": "default"},
    }
    for alias in ("default", "replica")
}
