from decimal import Decimal

from django.db import migrations

PERCENT = {
    "GB": {"standard": 20, "reduced": 5, "zero": 0},
    "DE": {"standard": 19, "reduced": 7, "zero": 0},
    "NL": {"standard": 21, "reduced": 9, "zero": 0},
}
METHODS = [
    ("letter", "Letter", "2.10", None, 500),
    ("parcel", "Parcel", "4.95", "50.00", 20_000),
    ("express", "Express", "9.90", "150.00", 10_000),
]


def add(apps, schema_editor):
    db_alias = schema_editor.connection.alias
    TaxRate = apps.get_model("orders", "TaxRate")
    ShippingMethod = apps.get_model("orders", "ShippingMethod")
    TaxRate.objects.using(db_alias).bulk_create(
        TaxRate(country=country, tax_class=tax_class, percent=percent)
        for country, rates in PERCENT.items()
        for tax_class, percent in rates.items()
    )
    ShippingMethod.objects.using(db_alias).bulk_create(
        ShippingMethod(
            code=code,
            name=name,
            price=Decimal(price),
            free_from=free_from and Decimal(free_from),
            max_weight_g=max_weight_g,
        )
        for code, name, price, free_from, max_weight_g in METHODS
    )


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_currencies")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
