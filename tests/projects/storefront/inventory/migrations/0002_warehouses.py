from django.db import migrations


def add(apps, schema_editor):
    Warehouse = apps.get_model("inventory", "Warehouse")
    for priority, (code, name) in enumerate([("MAIN", "Main warehouse"), ("NORTH", "Warehouse North")]):
        Warehouse.objects.using(schema_editor.connection.alias).create(code=code, name=name, priority=priority)


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
