"""Settings of production: one primary with a replica, and a server of its own for the reviews."""

SECRET_KEY = "for tests alone"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "shop",
    "reviews",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
MEDIA_URL = "media/"
USE_TZ = True
PAGE_SIZE = 10
TEST_NON_SERIALIZED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]


def database(name, host, **test):
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": "shop",
        "HOST": host,
        "TEST": test,
    }


DATABASES = {
    "default": database("shop", "primary.internal"),
    "replica": database("shop", "replica.internal", MIRROR="default"),
    "other": database("reviews", "reviews.internal"),
}
DATABASE_ROUTERS = ["config.routers.ReviewsRouter"]
