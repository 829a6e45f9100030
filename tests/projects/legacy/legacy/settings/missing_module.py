"""Settings that import what is not installed."""

import legacy_vault

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {"default": server(PASSWORD=legacy_vault.password)}
