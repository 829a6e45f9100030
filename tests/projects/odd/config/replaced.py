"""``DATABASES`` that an app replaces as it becomes ready: settings that are loaded know less."""

import os

from config.shared import *
from config.shared import INSTALLED_APPS, database

INSTALLED_APPS = [*INSTALLED_APPS, "late.apps.LateConfig"]
DATABASES = {
    "default": database("not_this_one", USER="not_this_one"),
    "other": {**database("other"), "HOST": os.environ.get("ODD_HOST", "other.internal")},
    "third": database("third"),
}
