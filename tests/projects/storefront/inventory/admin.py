from django.contrib import admin

from inventory.models import StockLevel, Warehouse

admin.site.register(Warehouse)


@admin.register(StockLevel)
class StockLevelAdmin(admin.ModelAdmin):
    list_display = ["sku", "warehouse", "on_hand", "reserved"]
    list_filter = ["warehouse"]
    search_fields = ["sku"]
