"""The spellings of Django 1.6."""

from config.settings import *  # noqa: F403
from config.settings import database

DATABASES = {
    "default": database(TEST_DEPENDENCIES=["other"]),
    "replica": database(TEST_MIRROR="default"),
    "other": database(TEST_DEPENDENCIES=[]),
}
