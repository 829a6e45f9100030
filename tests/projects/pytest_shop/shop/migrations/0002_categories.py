from django.db import migrations

NAMES = ("drinks", "food")


def add(apps, schema_editor):
    model = apps.get_model("shop", "Category")
    model.objects.using(schema_editor.connection.alias).bulk_create(model(name=name) for name in NAMES)


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
