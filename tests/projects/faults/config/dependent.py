"""A third database, which depends on the default one, as Django implies."""

from config.settings import *  # noqa: F403 - settings are made of settings
from config.settings import database

DATABASES = {"default": database("db-primary.internal"), "other": database("db-other.internal", NAME="test_other")}
