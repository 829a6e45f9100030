from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_order_email_backfill")]

    operations = [
        migrations.AlterField(
            "order", "email", models.EmailField(max_length=254, help_text="As it was when the order was placed.")
        ),
    ]
