"""A primary that takes the writes, and a replica that takes the reads: ``REPLICA_BUGS_ENGINE`` and the like name the servers."""

import os
import tempfile
from pathlib import Path

env = os.environ.get
ENGINE = env("REPLICA_BUGS_ENGINE", "postgresql")
if ENGINE == "mysql":
    import pymysql

    pymysql.install_as_MySQLdb()

SECRET_KEY = "insecure-key-for-tests"  # noqa: S105
USE_TZ = True
ROOT_URLCONF = "config.urls"
STATIC_URL = MEDIA_URL = "files/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "events",
    "bookings",
]
MIGRATION_MODULES = {"contenttypes": None, "auth": None, "sessions": None}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
DATABASE_ROUTERS = ["config.routers.ReplicaRouter"]
DATABASES = {
    alias: {
        "ENGINE": f"django.db.backends.{ENGINE}",
        "NAME": "bookings",
        "USER": env("REPLICA_BUGS_USER", "bookings"),
        "PASSWORD": env("REPLICA_BUGS_PASSWORD", ""),
        "HOST": env(f"REPLICA_BUGS_{alias.upper()}_HOST", f"{alias}.example.org"),
        "PORT": env(f"REPLICA_BUGS_{alias.upper()}_PORT", ""),
        "TEST": {} if alias == "default" else {"MIRROR": "default"},
    }
    for alias in ("default", "replica")
}
STATE_FOLDER = Path(env("REPLICA_BUGS_STATE", tempfile.gettempdir()))
"""Where unstable tests count their runs."""
