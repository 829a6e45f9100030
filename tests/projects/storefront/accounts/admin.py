from django.contrib import admin

from accounts.models import Address, Customer


class AddressInline(admin.TabularInline):
    model = Address
    extra = 0


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ["user", "phone", "loyalty_points", "created_at"]
    search_fields = ["user__username", "user__email"]
    inlines = [AddressInline]
