from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_tax_rates_and_shipping_methods")]

    operations = [
        migrations.AddField(
            "order",
            "email",
            models.EmailField(max_length=254, null=True, help_text="As it was when the order was placed."),
        ),
    ]
