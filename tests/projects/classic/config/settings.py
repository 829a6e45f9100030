"""A project as the documentation of Django 1.4 describes one: no migrations, tests in ``models.py`` and ``tests.py``."""

import os

SECRET_KEY = "for tests alone"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "config.urls"
LOGIN_URL = "/enter/"
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "static/"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "animals",
    "suites",
    "pages",
    "cards",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]


def database(name, host="primary.internal", **test):
    engine = os.environ.get("CLASSIC_ENGINE", "django.db.backends.postgresql")
    return {"ENGINE": engine, "NAME": name, "USER": "classic", "HOST": host, "TEST": test}


# spades need hearts, hearts need clubs, and every one of them needs diamonds
DATABASES = {
    "default": database("classic", DEPENDENCIES=["diamonds"]),
    "spades": database("spades", DEPENDENCIES=["diamonds", "hearts"]),
    "hearts": database("hearts", DEPENDENCIES=["diamonds", "clubs"]),
    "clubs": database("clubs", DEPENDENCIES=["diamonds"]),
    "diamonds": database("diamonds", DEPENDENCIES=[]),
    "replica": database("classic", "replica.internal", MIRROR="default"),
}
DATABASE_ROUTERS = ["cards.routers.SuitRouter"]
