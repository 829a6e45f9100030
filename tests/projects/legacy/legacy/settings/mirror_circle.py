"""Two mirrors of each other."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {
    "default": server(),
    "left": replica(TEST_MIRROR="right"),
    "right": replica(TEST_MIRROR="left"),
}
