"""Settings of the storefront. A deployment sets the environment; each variable has a default for development."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

env = os.environ.get

SECRET_KEY = env("STOREFRONT_SECRET_KEY", "insecure-key-for-development")
DEBUG = env("STOREFRONT_DEBUG") == "1"
ALLOWED_HOSTS = env("STOREFRONT_ALLOWED_HOSTS", "localhost").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "accounts",
    "catalog",
    "inventory",
    "orders",
    "payments",
    "notifications",
    "reports",
    "api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "catalog.context_processors.menu",
            ],
        },
    },
]


def database(name, host, port, **test):
    return {
        "ENGINE": env("STOREFRONT_DB_ENGINE", "django.db.backends.postgresql"),
        "NAME": name,
        "USER": env("STOREFRONT_DB_USER", "shop"),
        "PASSWORD": env("STOREFRONT_DB_PASSWORD", ""),
        "HOST": host,
        "PORT": port,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "TEST": test,
    }


DATABASES = {
    "default": database(
        env("STOREFRONT_DB_NAME", "storefront"),
        env("STOREFRONT_DB_HOST", "db-primary.internal"),
        env("STOREFRONT_DB_PORT", ""),
    ),
    "replica": database(
        env("STOREFRONT_DB_NAME", "storefront"),
        env("STOREFRONT_REPLICA_HOST", "db-replica.internal"),
        env("STOREFRONT_REPLICA_PORT", ""),
        MIRROR="default",
    ),
    "catalog": database(
        env("STOREFRONT_CATALOG_DB_NAME", "catalog"),
        env("STOREFRONT_CATALOG_DB_HOST", "catalog-db.internal"),
        env("STOREFRONT_CATALOG_DB_PORT", ""),
        DEPENDENCIES=["default"],
    ),
}
DATABASE_ROUTERS = ["config.routers.CatalogRouter", "config.routers.ReportingRouter"]
REPORTING_DATABASE = "replica"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "storefront"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "accounts:profile"
LOGOUT_REDIRECT_URL = "catalog:product-list"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
MEDIA_URL = "media/"
MEDIA_ROOT = env("STOREFRONT_MEDIA_ROOT", str(BASE_DIR / "media"))

DEFAULT_FROM_EMAIL = "Storefront <orders@storefront.example>"
SITE_URL = env("STOREFRONT_SITE_URL", "https://storefront.example")

PAYMENT_GATEWAY_URL = env("STOREFRONT_GATEWAY_URL", "https://gateway.example")
PAYMENT_GATEWAY_SECRET = env("STOREFRONT_GATEWAY_SECRET", "gateway-secret-for-development")
PAYMENT_RETRY_DELAYS_S = (0.2, 0.5)

API_REQUESTS_PER_MINUTE = 120

TEST_RUNNER = "config.runner.StorefrontRunner"
# a flush makes these anew, under other keys than a serialized copy has
TEST_NON_SERIALIZED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
