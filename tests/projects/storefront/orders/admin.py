from django.contrib import admin

from orders.models import Currency, Order, OrderLine, ShippingMethod, TaxRate, Voucher

admin.site.register([Currency, ShippingMethod, TaxRate, Voucher])


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "customer", "status", "total", "currency", "placed_at"]
    list_filter = ["status", "currency"]
    list_select_related = ["customer__user", "currency"]
    search_fields = ["number", "email"]
    date_hierarchy = "placed_at"
    inlines = [OrderLineInline]
