from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("broken", "0001_initial")]

    operations = [
        migrations.RunSQL("UPDATE broken_shelf SET number = number + 1 WHERE storey = 2", migrations.RunSQL.noop),
    ]
