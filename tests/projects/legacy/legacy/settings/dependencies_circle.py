"""Three databases, each to be created after another."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {
    "default": server(TEST_DEPENDENCIES=["archive"]),
    "archive": server(name="archive", TEST_DEPENDENCIES=["catalogue"]),
    "catalogue": server(name="catalogue", TEST_DEPENDENCIES=["default"]),
}
