"""A mirror of an alias that is not there."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {"default": server(), "replica": replica(TEST_MIRROR="primary")}
