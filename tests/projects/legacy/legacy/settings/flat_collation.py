"""A collation, which MySQL takes and PostgreSQL does not: there, Django itself refuses it."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {"default": server(TEST_CHARSET="utf8mb4", TEST_COLLATION="utf8mb4_unicode_ci")}
