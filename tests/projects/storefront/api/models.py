import hashlib
import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone


class ApiTokenManager(models.Manager):
    def issue(self, user, name):
        """A new token, and its key, which is kept nowhere."""
        key = secrets.token_urlsafe(24)
        return self.create(user=user, name=name, digest=digest_of(key)), key

    def find(self, key):
        """The token with *key*, or ``None``."""
        return self.select_related("user__customer").filter(digest=digest_of(key), user__is_active=True).first()


def digest_of(key):
    return hashlib.sha256(key.encode()).hexdigest()


class ApiToken(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="token_name_once_a_user")]

    def __str__(self):
        return self.name
