"""A URL that is not set: ``default`` is empty, and the command says which server it has."""

import dj_database_url

from config.shared import *

DATABASES = {"default": dj_database_url.config("NO_SUCH_URL")}
