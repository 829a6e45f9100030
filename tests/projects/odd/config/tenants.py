"""django-tenants: a schema for each tenant, made by its own test cases."""

from config.shared import *
from config.shared import database

DATABASES = {"default": database("tenants", "django_tenants.postgresql_backend")}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
SHARED_APPS = ["django_tenants", "django.contrib.contenttypes", "tenants"]
TENANT_APPS = ["django.contrib.contenttypes", "notes"]
INSTALLED_APPS = [*SHARED_APPS, "notes"]
TENANT_MODEL = "tenants.Client"
TENANT_DOMAIN_MODEL = "tenants.Domain"
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware"]
ALLOWED_HOSTS = ["*"]
