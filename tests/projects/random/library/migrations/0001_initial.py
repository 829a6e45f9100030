import django.db.models.deletion
from django.db import migrations, models


def make_tags(apps, schema_editor):
    tags = apps.get_model("library", "Tag").objects.using(schema_editor.connection.alias)
    for name in ("red", "green", "blue"):
        tags.create(name=name)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Tag",
            [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=20))],
        ),
        migrations.CreateModel(
            "Author",
            [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=40, unique=True))],
        ),
        migrations.CreateModel(
            "Book",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.CharField(max_length=40)),
                ("author", models.ForeignKey("library.Author", django.db.models.deletion.CASCADE)),
                ("pages", models.IntegerField(default=1)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pages__gte", 0)), name="pages_not_negative")
                ]
            },
        ),
        migrations.RunPython(make_tags, migrations.RunPython.noop),
    ]
