"""An old spelling beside its new one: the new one counts."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {
    "default": server(TEST_NAME="not_this_one", TEST={"NAME": "library_of_today"}),
    "replica": replica(TEST_MIRROR="archive", TEST={"MIRROR": "default"}),
    "archive": server(host="archive.library.internal", name="archive"),
}
MIRRORS = {"replica": "default"}
TEST_NAMES = {"default": "library_of_today"}
