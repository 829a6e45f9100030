"""Right in every way, for ``silent``, an app without tests."""

from legacy.settings.shared import *
from legacy.settings.shared import server

INSTALLED_APPS += ["silent"]
DATABASES = {"default": server()}
