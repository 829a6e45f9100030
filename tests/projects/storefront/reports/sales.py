from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Avg, Count, F, Max, Sum
from django.db.models.functions import TruncDate

from reports.models import SOLD, ReportedLine, ReportedOrder


@dataclass(frozen=True)
class Day:
    day: date
    currency: str
    orders: int
    revenue: Decimal


def by_day(since, until):
    """The days from *since* up to *until* on which something was sold, once for each currency."""
    rows = (
        ReportedOrder.objects.sold()
        .between(since, until)
        .annotate(day=TruncDate("placed_at"))
        .values("day", "currency_id")
        .annotate(orders=Count("pk"), revenue=Sum("total"))
        .order_by("day", "currency_id")
    )
    return [Day(row["day"], row["currency_id"], row["orders"], row["revenue"]) for row in rows]


def best_sellers(limit=10):
    """``{"sku", "name", "sold", "revenue"}``, most sold first."""
    return list(
        ReportedLine.objects.filter(order__status__in=SOLD)
        .values("sku")
        .annotate(name=Max("name"), sold=Sum("quantity"), revenue=Sum(F("quantity") * F("unit_price")))
        .order_by("-sold", "sku")[:limit]
    )


def overview(now, days=30):
    recent = ReportedOrder.objects.sold().between(now - timedelta(days=days), now)
    return recent.aggregate(orders=Count("pk"), revenue=Sum("total", default=Decimal(0)), average=Avg("total"))


def customers_by_value(currency="GBP"):
    """``(username, total)`` of whoever bought something, best first."""
    orders = ReportedOrder.objects.sold().filter(currency_id=currency)
    totals = orders.values_list("customer__user__username").annotate(value=Sum("total"))
    return list(totals.order_by("-value", "customer__user__username"))
