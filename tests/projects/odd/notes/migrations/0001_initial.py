from django.db import migrations, models


def fill(apps, schema_editor):
    apps.get_model("notes", "Note").objects.using(schema_editor.connection.alias).create(text="migrated")


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Note",
            [("id", models.BigAutoField(primary_key=True)), ("text", models.CharField(max_length=100))],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
