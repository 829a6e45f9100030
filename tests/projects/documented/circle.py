"""Two databases that depend on each other."""

from settings import *  # noqa: F403
from settings import database

DATABASES = {
    "default": database("myproject", "dbprimary", DEPENDENCIES=["diamonds"]),
    "diamonds": database("diamonds", "dbprimary", DEPENDENCIES=["default"]),
}
