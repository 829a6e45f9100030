from decimal import Decimal

from django.db import models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import Customer
from catalog.models import TaxClass

NUMBER_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Currency(models.Model):
    code = models.CharField(max_length=3, primary_key=True)
    name = models.CharField(max_length=40)
    exponent = models.PositiveSmallIntegerField(default=2)
    per_pound = models.DecimalField(max_digits=12, decimal_places=6)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "currencies"

    def __str__(self):
        return self.code


class TaxRate(models.Model):
    country = models.CharField(max_length=2)
    tax_class = models.CharField(max_length=10, choices=TaxClass.choices)
    percent = models.DecimalField(max_digits=5, decimal_places=2)

    class Meta:
        ordering = ["country", "-percent"]
        constraints = [
            models.UniqueConstraint(fields=["country", "tax_class"], name="tax_class_once_a_country"),
            models.CheckConstraint(condition=Q(percent__gte=0) & Q(percent__lt=100), name="tax_percent_is_sane"),
        ]

    def __str__(self):
        return f"{self.country} {self.tax_class} {self.percent}%"


class ShippingMethod(models.Model):
    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=60)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    free_from = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    max_weight_g = models.PositiveIntegerField()

    class Meta:
        ordering = ["price"]

    def __str__(self):
        return self.name


class VoucherQuerySet(models.QuerySet):
    def usable(self, now=None):
        now = now or timezone.now()
        return self.filter(valid_from__lte=now, valid_until__gt=now, used__lt=F("max_uses"))


class Voucher(models.Model):
    code = models.CharField(max_length=20, unique=True)
    percent = models.PositiveSmallIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    max_uses = models.PositiveIntegerField(default=1)
    used = models.PositiveIntegerField(default=0)

    objects = VoucherQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(percent__gte=1) & Q(percent__lte=100), name="voucher_percent_is_sane"),
            models.CheckConstraint(condition=Q(valid_until__gt=F("valid_from")), name="voucher_ends_after_it_begins"),
            models.CheckConstraint(condition=Q(used__lte=F("max_uses")), name="voucher_not_used_too_often"),
        ]

    def __str__(self):
        return self.code

    def redeem(self):
        """Count one use. ``False`` if somebody else has had the last one."""
        return bool(Voucher.objects.usable().filter(pk=self.pk).update(used=F("used") + 1))


class Cart(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, blank=True, related_name="carts")
    created_at = models.DateTimeField(default=timezone.now)

    def add(self, sku, quantity=1):
        line, created = self.lines.get_or_create(sku=sku, defaults={"quantity": quantity})
        if not created:
            line.quantity = F("quantity") + quantity
            line.save(update_fields=["quantity"])
            line.refresh_from_db()
        return line

    @property
    def item_count(self):
        return self.lines.aggregate(n=models.Sum("quantity", default=0))["n"]


class CartLine(models.Model):
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=24)
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "sku"], name="cart_line_once_a_sku"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="cart_line_not_empty"),
        ]


def new_number():
    return f"SF-{timezone.now():%y%m%d}-{get_random_string(6, NUMBER_ALPHABET)}"


class OrderQuerySet(models.QuerySet):
    def of(self, user):
        return self.filter(customer__user=user)

    def open(self):
        return self.exclude(status__in=[Order.Status.COMPLETED, Order.Status.CANCELLED, Order.Status.REFUNDED])


class Order(models.Model):
    class Status(models.TextChoices):
        PLACED = "placed", "Placed"
        PAID = "paid", "Paid"
        SHIPPED = "shipped", "Shipped"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"
        REFUNDED = "refunded", "Refunded"

    TRANSITIONS = {
        Status.PLACED: {Status.PAID, Status.CANCELLED},
        Status.PAID: {Status.SHIPPED, Status.REFUNDED},
        Status.SHIPPED: {Status.COMPLETED, Status.REFUNDED},
        Status.COMPLETED: set(),
        Status.CANCELLED: set(),
        Status.REFUNDED: set(),
    }

    number = models.CharField(max_length=20, unique=True, default=new_number)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="orders")
    email = models.EmailField(help_text="As it was when the order was placed.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLACED)
    currency = models.ForeignKey(Currency, models.PROTECT)
    country = models.CharField(max_length=2)
    shipping_method = models.ForeignKey(ShippingMethod, models.PROTECT, null=True)
    voucher = models.ForeignKey(Voucher, models.SET_NULL, null=True, blank=True)
    subtotal = models.DecimalField(max_digits=12, decimal_places=2)
    discount = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    shipping = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    tax = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    total = models.DecimalField(max_digits=12, decimal_places=2)
    placed_at = models.DateTimeField(default=timezone.now)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at", "-pk"]
        permissions = [("refund_order", "Can give a customer their money back")]
        indexes = [
            models.Index(fields=["status", "placed_at"], name="order_status_placed_at"),
            models.Index(fields=["customer", "-placed_at"], name="order_customer_placed_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(total__gte=0), name="order_total_not_negative"),
            models.CheckConstraint(condition=Q(discount__lte=F("subtotal")), name="order_discount_within_subtotal"),
        ]

    def __str__(self):
        return self.number

    def get_absolute_url(self):
        return reverse("orders:detail", args=[self.number])

    def may_become(self, status):
        return status in self.TRANSITIONS[self.status]

    def become(self, status, **data):
        """Change the status and record it. Raises ``ValueError`` if there is no such way."""
        if not self.may_become(status):
            raise ValueError(f"{self.number} is {self.status} and cannot become {status}")
        with transaction.atomic(using=self._state.db):
            self.status = status
            self.save(update_fields=["status"])
            self.events.create(kind=status, data=data)


class OrderLine(models.Model):
    """What was bought, as it was then: the catalogue may have changed since."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=24, db_index=True)
    name = models.CharField(max_length=120)
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)
    quantity = models.PositiveIntegerField()
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal(0))

    class Meta:
        ordering = ["pk"]

    def __str__(self):
        return f"{self.quantity} × {self.name}"

    @property
    def total(self):
        return self.unit_price * self.quantity


class OrderEvent(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20)
    at = models.DateTimeField(default=timezone.now)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["at", "pk"]
