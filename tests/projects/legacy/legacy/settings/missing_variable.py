"""Settings that read a variable that nobody has set."""

import os

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {"default": server(PASSWORD=os.environ["LEGACY_VAULT_PASSWORD"])}
