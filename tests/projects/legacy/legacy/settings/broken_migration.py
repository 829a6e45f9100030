"""A migration that fails in its SQL."""

from legacy.settings.shared import *
from legacy.settings.shared import server

INSTALLED_APPS += ["broken"]
DATABASES = {"default": server()}
