from django.core.management.base import BaseCommand

from shop.models import Category, Product


class Command(BaseCommand):
    help = "Adds the products that are always there."

    def handle(self, **options):
        drinks, _ = Category.objects.get_or_create(name="drinks")
        Product.objects.create(name="tea", price="2.50", category=drinks)
        Product.objects.create(name="coffee", price="3.00", category=drinks)
