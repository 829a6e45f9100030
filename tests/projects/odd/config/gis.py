"""GeoDjango: it needs libraries here, and an extension in the server."""

from config.shared import *
from config.shared import database

DATABASES = {"default": database("places", "django.contrib.gis.db.backends.postgis")}
