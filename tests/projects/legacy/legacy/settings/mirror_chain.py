"""A mirror of a mirror: legal, both are the database at the end of the chain."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {
    "default": server(),
    "near": replica(TEST_MIRROR="default"),
    "far": replica(TEST_MIRROR="near"),
}
MIRRORS = {"near": "default", "far": "default"}
