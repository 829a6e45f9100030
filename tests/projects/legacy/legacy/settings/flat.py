"""The spellings of Django 1.6, all of which mean something, and all of them right."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {
    "default": server(TEST_NAME="library_under_test", TEST_CHARSET="UTF8", TEST_DEPENDENCIES=["archive"]),
    "replica": replica(TEST_MIRROR="default"),
    "archive": server(host="archive.library.internal", name="archive", TEST_DEPENDENCIES=[]),
}
MIRRORS = {"replica": "default"}
TEST_NAMES = {"default": "library_under_test"}
