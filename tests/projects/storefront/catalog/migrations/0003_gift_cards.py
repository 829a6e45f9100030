from decimal import Decimal

from django.db import migrations

FACE_VALUE = 25


def add(apps, schema_editor):
    """A gift card for each currency of the shop, whose database must be there before the catalogue's."""
    db_alias = schema_editor.connection.alias
    Product = apps.get_model("catalog", "Product")
    category = apps.get_model("catalog", "Category").objects.using(db_alias).get(slug="gift-cards")
    for currency in apps.get_model("orders", "Currency").objects.using("default"):
        Product.objects.using(db_alias).create(
            sku=f"GIFT-{currency.code}",
            name=f"Gift card, {FACE_VALUE} {currency.code}",
            category=category,
            price=(FACE_VALUE / currency.per_pound).quantize(Decimal("0.01")),
            tax_class="zero",
        )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_categories"), ("orders", "0002_currencies")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
