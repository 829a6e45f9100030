"""An engine that does not exist."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {"default": server(ENGINE="django.db.backends.filemaker")}
