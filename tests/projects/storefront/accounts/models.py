from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

POINTS_FOR_A_REWARD = 500


class CustomerQuerySet(models.QuerySet):
    def reachable(self):
        return self.filter(marketing_opt_in=True, user__is_active=True).exclude(user__email="")

    def deserving_a_reward(self):
        return self.filter(loyalty_points__gte=POINTS_FOR_A_REWARD)


class Customer(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="customer")
    phone = models.CharField(max_length=32, blank=True)
    marketing_opt_in = models.BooleanField(default=False)
    loyalty_points = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(loyalty_points__gte=0), name="customer_points_not_negative"),
        ]

    def __str__(self):
        return self.user.get_full_name() or self.user.get_username()

    def earn(self, points):
        """Add points in the database, so that two orders at once both count."""
        type(self).objects.filter(pk=self.pk).update(loyalty_points=F("loyalty_points") + points)
        self.refresh_from_db(fields=["loyalty_points"])


class Address(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses")
    label = models.CharField(max_length=40, default="Home")
    line1 = models.CharField(max_length=120)
    city = models.CharField(max_length=80)
    postcode = models.CharField(max_length=12)
    country = models.CharField(max_length=2, default="GB")
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["-is_default", "label"]
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["customer", "label"], name="address_label_once_a_customer"),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(is_default=True), name="address_one_default_a_customer"
            ),
        ]

    def __str__(self):
        return f"{self.label}: {self.line1}, {self.city} {self.postcode}"

    def make_default(self):
        self.customer.addresses.exclude(pk=self.pk).update(is_default=False)
        self.is_default = True
        self.save(update_fields=["is_default"])


class LoginEvent(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="logins")
    at = models.DateTimeField(default=timezone.now)
    ip_address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["user", "-at"], name="login_user_at")]
