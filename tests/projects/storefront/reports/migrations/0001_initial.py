from django.db import migrations


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("orders", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportedLine",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": [],
                "indexes": [],
                "constraints": [],
            },
            bases=("orders.orderline",),
        ),
        migrations.CreateModel(
            name="ReportedOrder",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": ["view"],
                "indexes": [],
                "constraints": [],
            },
            bases=("orders.order",),
        ),
    ]
