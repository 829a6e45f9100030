import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

env = os.environ.get

SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["bank"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True


def database(host, port, **test):
    return {
        "ENGINE": env("OUTCOMES_DB_ENGINE", "django.db.backends.postgresql"),
        "NAME": "outcomes",
        "USER": env("OUTCOMES_DB_USER", "outcomes"),
        "PASSWORD": env("OUTCOMES_DB_PASSWORD", ""),
        "HOST": host,
        "PORT": port,
        "TEST": test,
    }


DATABASES = {
    "default": database(env("OUTCOMES_DB_HOST", "db-primary.internal"), env("OUTCOMES_DB_PORT", "")),
    "replica": database(
        env("OUTCOMES_REPLICA_HOST", "db-replica.internal"), env("OUTCOMES_REPLICA_PORT", ""), MIRROR="default"
    ),
}
