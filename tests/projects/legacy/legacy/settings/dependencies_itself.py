"""A database to be created after itself."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {"default": server(), "archive": server(name="archive", TEST_DEPENDENCIES=["archive"])}
