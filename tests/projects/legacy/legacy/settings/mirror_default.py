"""The default itself takes part in a circle, so that nothing is a database of its own."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {"default": server(TEST_MIRROR="replica"), "replica": replica(TEST_MIRROR="default")}
