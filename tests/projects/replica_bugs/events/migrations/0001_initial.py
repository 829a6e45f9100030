from django.db import migrations, models

ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


def add_venues(apps, schema_editor):
    apps.get_model("events", "Venue").objects.using(schema_editor.connection.alias).create(name="Town hall")


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                ID,
                ("name", models.CharField(max_length=50, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Venue",
            fields=[
                ID,
                ("name", models.CharField(max_length=50, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ID,
                ("title", models.CharField(max_length=100)),
                ("slug", models.SlugField(unique=True)),
                ("notes", models.TextField(blank=True)),
                ("taken", models.IntegerField(default=0)),
                ("archived", models.BooleanField(default=False)),
                ("tags", models.ManyToManyField(blank=True, to="events.tag")),
            ],
        ),
        migrations.RunPython(add_venues, migrations.RunPython.noop),
    ]
