from django.conf import settings
from django.db import migrations
from django.db.models import OuterRef, Subquery


def copy_from_users(apps, schema_editor):
    db_alias = schema_editor.connection.alias
    Order = apps.get_model("orders", "Order")
    Customer = apps.get_model("accounts", "Customer")
    emails = Customer.objects.using(db_alias).filter(pk=OuterRef("customer_id")).values("user__email")[:1]
    Order.objects.using(db_alias).filter(email__isnull=True).update(email=Subquery(emails))


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("accounts", "0001_initial"),
        ("orders", "0004_order_email"),
    ]

    operations = [migrations.RunPython(copy_from_users, migrations.RunPython.noop, elidable=True)]
