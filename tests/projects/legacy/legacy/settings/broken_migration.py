"""A migration that fails in its SQL."""

from legacy.settings.shared import *
from legacy.settings.shared import INSTALLED_APPS, server

INSTALLED_APPS = [*INSTALLED_APPS, "broken"]
DATABASES = {"default": server()}
