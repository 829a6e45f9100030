from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import Customer, LoginEvent


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def create_customer(sender, instance, created, raw, using, **kwargs):
    if created and not raw:
        Customer.objects.using(using).create(user=instance)


@receiver(user_logged_in)
def record_login(sender, request, user, **kwargs):
    address = request.META.get("REMOTE_ADDR") or None if request else None
    LoginEvent.objects.create(user=user, ip_address=address)
