"""Right in every way, for ``silent``, an app without tests."""

from legacy.settings.shared import *
from legacy.settings.shared import INSTALLED_APPS, server

INSTALLED_APPS = [*INSTALLED_APPS, "silent"]
DATABASES = {"default": server()}
