from functools import wraps

from django.conf import settings
from django.core.cache import cache
from django.http import JsonResponse
from django.utils import timezone

from api.models import ApiToken


def problem(status, detail, **headers):
    return JsonResponse({"detail": detail}, status=status, headers=headers)


def token_required(view):
    """Lets in whoever has a token, so many times a minute."""

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        token = ApiToken.objects.find(key) if scheme == "Bearer" and key else None
        if token is None:
            return problem(401, "A valid token is needed.", **{"WWW-Authenticate": "Bearer"})
        if _requests_this_minute(token) > settings.API_REQUESTS_PER_MINUTE:
            return problem(429, "Too many requests.", **{"Retry-After": "60"})
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
        request.user = token.user
        return view(request, *args, **kwargs)

    return wrapped


def _requests_this_minute(token):
    key = f"api:requests:{token.pk}:{timezone.now():%H%M}"
    cache.add(key, 0, timeout=60)
    return cache.incr(key)
