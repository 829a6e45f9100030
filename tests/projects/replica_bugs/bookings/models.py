from django.db import models

from events.models import Event


class Booking(models.Model):
    event = models.ForeignKey(Event, models.CASCADE, related_name="bookings")
    email = models.EmailField()
    seats = models.IntegerField(default=1)
    state = models.CharField(max_length=20, default="new")


class Payment(models.Model):
    booking = models.ForeignKey(Booking, models.CASCADE, related_name="payments")
    amount = models.IntegerField()


class Refund(models.Model):
    booking = models.ForeignKey(Booking, models.CASCADE, related_name="refunds")
    amount = models.IntegerField()


class Subscriber(models.Model):
    email = models.EmailField(unique=True)
