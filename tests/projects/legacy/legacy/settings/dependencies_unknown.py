"""A dependency that is no alias."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {"default": server(TEST_DEPENDENCIES=["stacks"])}
