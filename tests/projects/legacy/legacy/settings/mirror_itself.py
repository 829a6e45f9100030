"""A mirror of itself."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {"default": server(), "replica": replica(TEST_MIRROR="replica")}
