from django.db import transaction
from django.db.models import F, Sum

from inventory.models import StockLevel, StockMovement, Warehouse

Reason = StockMovement.Reason


class OutOfStock(Exception):
    def __init__(self, sku, wanted, available):
        super().__init__(f"{wanted} of {sku} wanted, {available} available")
        self.sku, self.wanted, self.available = sku, wanted, available


def available(sku):
    return StockLevel.objects.filter(sku=sku).aggregate(n=Sum(F("on_hand") - F("reserved"), default=0))["n"]


@transaction.atomic
def receive(warehouse_code, sku, quantity, reference=""):
    """Book goods that arrived. Raises ``Warehouse.DoesNotExist``."""
    warehouse = Warehouse.objects.get(code=warehouse_code)
    level, _ = StockLevel.objects.get_or_create(warehouse=warehouse, sku=sku)
    StockLevel.objects.filter(pk=level.pk).update(on_hand=F("on_hand") + quantity)
    _record(level, Reason.RECEIVED, quantity, reference)
    level.refresh_from_db()
    return level


@transaction.atomic
def reserve(sku, quantity, reference):
    """Reserve *quantity* of *sku*, from several warehouses if need be. Raises ``OutOfStock`` and then takes nothing."""
    levels = list(
        StockLevel.objects.select_for_update(of=_self_if_supported())
        .with_available()
        .filter(sku=sku)
        .order_by("warehouse__priority", "pk")
    )
    total = sum(level.available for level in levels)
    if total < quantity:
        raise OutOfStock(sku, quantity, total)
    for level in levels:
        taken = min(level.available, quantity)
        if taken:
            StockLevel.objects.filter(pk=level.pk).update(reserved=F("reserved") + taken)
            _record(level, Reason.RESERVED, taken, reference)
        quantity -= taken


@transaction.atomic
def release(reference):
    """Give back what was reserved under *reference*, unless it was given back or shipped before."""
    return _settle(reference, Reason.RELEASED, shipped=False)


@transaction.atomic
def ship(reference):
    """What was reserved under *reference* leaves the warehouses."""
    return _settle(reference, Reason.SHIPPED, shipped=True)


def _settle(reference, reason, *, shipped):
    movements = StockMovement.objects.filter(reference=reference)
    if movements.filter(reason__in=[Reason.RELEASED, Reason.SHIPPED]).exists():
        return 0
    total = 0
    for movement in movements.filter(reason=Reason.RESERVED).select_related("level"):
        changes = {"reserved": F("reserved") - movement.quantity}
        if shipped:
            changes["on_hand"] = F("on_hand") - movement.quantity
        StockLevel.objects.filter(pk=movement.level_id).update(**changes)
        _record(movement.level, reason, movement.quantity, reference)
        total += movement.quantity
    return total


def _record(level, reason, quantity, reference):
    StockMovement.objects.create(level=level, reason=reason, quantity=quantity, reference=reference)


def _self_if_supported():
    connection = transaction.get_connection()
    return ("self",) if connection.features.has_select_for_update_of else ()
