from django.contrib import admin

from catalog.models import Category, Product


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "parent", "position"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["sku", "name", "category", "price", "is_active"]
    list_filter = ["is_active", "category"]
    search_fields = ["sku", "name"]
    actions = ["withdraw"]

    @admin.action(description="Withdraw from sale")
    def withdraw(self, request, queryset):
        self.message_user(request, f"{queryset.update(is_active=False)} products withdrawn.")
