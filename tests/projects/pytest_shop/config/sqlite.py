"""The same on SQLite, for pytest alone: ``pytest -n 0 --ds config.sqlite -m "not topology"``."""

from config.settings import *
from config.settings import DATABASES

for _alias in DATABASES.values():
    _alias |= {"ENGINE": "django.db.backends.sqlite3", "HOST": ""}
