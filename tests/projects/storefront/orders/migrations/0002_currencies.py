from decimal import Decimal

from django.db import migrations

CURRENCIES = [
    ("GBP", "Pound sterling", 2, "1"),
    ("EUR", "Euro", 2, "1.17"),
    ("USD", "US dollar", 2, "1.28"),
    ("JPY", "Yen", 0, "190"),
]


def add(apps, schema_editor):
    db_alias = schema_editor.connection.alias
    Currency = apps.get_model("orders", "Currency")
    Currency.objects.using(db_alias).bulk_create(
        Currency(code=code, name=name, exponent=exponent, per_pound=Decimal(per_pound))
        for code, name, exponent, per_pound in CURRENCIES
    )


def remove(apps, schema_editor):
    db_alias = schema_editor.connection.alias
    Currency = apps.get_model("orders", "Currency")
    Currency.objects.using(db_alias).filter(code__in=[row[0] for row in CURRENCIES]).delete()


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [migrations.RunPython(add, remove)]
