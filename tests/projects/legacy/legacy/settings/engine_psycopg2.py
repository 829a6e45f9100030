"""The old name of PostgreSQL's engine, which Django still takes."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {"default": server(ENGINE="django.db.backends.postgresql_psycopg2")}
