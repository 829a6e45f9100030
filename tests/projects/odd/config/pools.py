"""A pool for each alias, and a replica; a model is imported that asks the database for its choices."""

from config.shared import *
from config.shared import database

POOL = {"pool": {"min_size": 0, "max_size": 2, "timeout": 5}}
DATABASES = {
    "default": database("odd", OPTIONS=POOL),
    "replica": {**database("odd", OPTIONS=POOL), "HOST": "replica.internal", "TEST": {"MIRROR": "default"}},
}
