"""An alias for each odd kind of database settings that real projects have."""

import os

import dj_database_url

from config.shared import *
from config.shared import INSTALLED_APPS, database

INSTALLED_APPS = ["django_prometheus", "psqlextra", *INSTALLED_APPS]
DATABASES = {
    "default": {},
    "pooled": database("pooled", OPTIONS={"pool": {"min_size": 1, "max_size": 3}, "application_name": "odd"}),
    "measured": database("measured", "django_prometheus.db.backends.postgresql"),
    "extra": database("extra", "psqlextra.backend"),
    "own": database("own", "config.backend"),
    "levels": database("levels", OPTIONS={"isolation_level": 4, "server_side_binding": True}),
    "role": database("role", OPTIONS={"assume_role": "postgres"}),
    "first": database("first", TEST={"NAME": "odd_together"}),
    "second": database("second", CONN_MAX_AGE=None, TEST={"NAME": "odd_together"}),
    "templated": database("templated", TEST={"TEMPLATE": "template0", "CREATE_DB": False, "CHARSET": "UTF8"}),
    "unmigrated": database("unmigrated", TEST={"MIGRATE": False, "SERIALIZE": False, "DEPENDENCIES": []}),
}
# as documented: the last line decides, whatever stands above
os.environ.setdefault("DATABASE_URL", "postgres://odd:{PASSWORD}@{HOST}:{PORT}/odd".format_map(DATABASES["own"]))
DATABASES["default"] = {
    **dj_database_url.config(conn_max_age=600, conn_health_checks=True, disable_server_side_cursors=True),
    "ATOMIC_REQUESTS": True,
}
