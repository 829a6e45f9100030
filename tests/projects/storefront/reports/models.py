"""The orders as the reports see them. ``config.routers.ReportingRouter`` reads them from the replica."""

from django.db import models

from orders.models import Order, OrderLine

SOLD = [Order.Status.PAID, Order.Status.SHIPPED, Order.Status.COMPLETED]


class SalesQuerySet(models.QuerySet):
    def sold(self):
        return self.filter(status__in=SOLD)

    def between(self, since, until):
        return self.filter(placed_at__gte=since, placed_at__lt=until)


class ReportedOrder(Order):
    objects = SalesQuerySet.as_manager()

    class Meta:
        proxy = True
        default_permissions = ["view"]


class ReportedLine(OrderLine):
    class Meta:
        proxy = True
        default_permissions = []
