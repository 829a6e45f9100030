from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Warehouse(models.Model):
    code = models.CharField(max_length=8, unique=True)
    name = models.CharField(max_length=80)
    priority = models.PositiveSmallIntegerField(default=0, help_text="Stock is taken from the lowest first.")

    class Meta:
        ordering = ["priority", "code"]

    def __str__(self):
        return self.name


class StockLevelQuerySet(models.QuerySet):
    def with_available(self):
        return self.annotate(available=F("on_hand") - F("reserved"))

    def running_low(self, threshold):
        """Totals over all warehouses, of SKUs with *threshold* or fewer available: ``{"sku", "available"}``."""
        totals = self.values("sku").annotate(available=models.Sum(F("on_hand") - F("reserved")))
        return totals.filter(available__lte=threshold).order_by("available", "sku")


class StockLevel(models.Model):
    """How much of a product a warehouse has. The product is in another database, so it is named by its SKU."""

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="levels")
    sku = models.CharField(max_length=24, db_index=True)
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)

    objects = StockLevelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "sku"], name="stock_sku_once_a_warehouse"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="stock_reserved_not_negative"),
            models.CheckConstraint(condition=Q(on_hand__gte=F("reserved")), name="stock_reserved_is_on_hand"),
        ]

    def __str__(self):
        return f"{self.sku} in {self.warehouse}"


class StockMovement(models.Model):
    class Reason(models.TextChoices):
        RECEIVED = "received", "Received"
        RESERVED = "reserved", "Reserved"
        RELEASED = "released", "Released"
        SHIPPED = "shipped", "Shipped"

    level = models.ForeignKey(StockLevel, models.CASCADE, related_name="movements")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    quantity = models.PositiveIntegerField()
    reference = models.CharField(max_length=40, blank=True, db_index=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "pk"]
