"""An engine that is not supported, under one alias of two."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {
    "default": server(),
    "ledger": server(name="ledger", ENGINE="django.db.backends.oracle"),
}
