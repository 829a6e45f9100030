"""The options that settings for MySQL have."""

import pymysql

from config.shared import *
from config.shared import database

pymysql.install_as_MySQLdb()


def mysql(name, test=None, **options):
    return {**database(name, "django.db.backends.mysql", OPTIONS=options), "TEST": test or {}}


DATABASES = {
    "default": mysql("odd", init_command="SET sql_mode='STRICT_ALL_TABLES,ANSI_QUOTES'", charset="utf8mb4"),
    "levels": mysql("levels", isolation_level="serializable", sql_mode="TRADITIONAL"),
    "own": mysql("own", {"CHARSET": "latin1", "COLLATION": "latin1_german2_ci", "CREATE_DB": False}),
}
