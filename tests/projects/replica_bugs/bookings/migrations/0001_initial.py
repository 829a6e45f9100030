from django.db import migrations, models
from django.db.models import CASCADE

ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


class Migration(migrations.Migration):
    initial = True
    dependencies = [("events", "0001_initial")]
    operations = [
        migrations.CreateModel(name="Subscriber", fields=[ID, ("email", models.EmailField(max_length=254, unique=True))]),
        migrations.CreateModel(
            name="Booking",
            fields=[
                ID,
                ("event", models.ForeignKey(on_delete=CASCADE, related_name="bookings", to="events.event")),
                ("email", models.EmailField(max_length=254)),
                ("seats", models.IntegerField(default=1)),
                ("state", models.CharField(default="new", max_length=20)),
            ],
        ),
        *(
            migrations.CreateModel(
                name=name,
                fields=[
                    ID,
                    ("booking", models.ForeignKey(on_delete=CASCADE, related_name=related, to="bookings.booking")),
                    ("amount", models.IntegerField()),
                ],
            )
            for name, related in (("Payment", "payments"), ("Refund", "refunds"))
        ),
    ]
