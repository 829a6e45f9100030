from django.db import migrations, models


def add(apps, editor):
    apps.get_model("cards", "Card").objects.using(editor.connection.alias).create(value="migrated")


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Card",
            [("id", models.BigAutoField(primary_key=True)), ("value", models.CharField(max_length=20))],
        ),
        migrations.RunPython(add),
    ]
