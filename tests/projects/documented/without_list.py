"""The example of the documentation of 1.4 as it stands there: ``default`` depends on an alias without ``DEPENDENCIES``."""

from settings import *  # noqa: F403
from settings import database

DATABASES = {
    "default": database("myproject", "dbprimary", DEPENDENCIES=["diamonds"]),
    "diamonds": database("diamonds", "dbprimary"),
}
