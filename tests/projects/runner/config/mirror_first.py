"""The mirror, and a mirror of that, stand before what they mirror."""

from config.settings import *  # noqa: F403
from config.settings import database

DATABASES = {
    "far": database(TEST={"MIRROR": "replica"}),
    "replica": database(TEST={"MIRROR": "default"}),
    "default": database(),
    "other": database(),
}
