from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE SCHEMA archive; CREATE TABLE archive.entry (text text); INSERT INTO archive.entry VALUES (\'migrated\')"
        )
    ]
