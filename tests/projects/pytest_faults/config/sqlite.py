"""The same on SQLite."""

from config.settings import *
from config.settings import DATABASES

for _alias in DATABASES.values():
    _alias |= {"ENGINE": "django.db.backends.sqlite3", "HOST": ""}
