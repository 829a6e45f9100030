from django.db.models import Sum
from django.db.models.signals import post_save
from django.dispatch import receiver

from .models import Booking, Payment, Refund

PRICE = 10


@receiver(post_save, sender=Payment)
def settle(instance, **kwargs):
    payments = Payment.objects.filter(booking=instance.booking_id)
    paid = payments.aggregate(paid=Sum("amount"))["paid"] or 0  # read: signal
    if paid >= PRICE:
        Booking.objects.filter(pk=instance.booking_id).update(state="paid")


@receiver(post_save, sender=Refund)
def give_back(instance, **kwargs):
    """Uses the refund that was saved, and reads nothing."""
    Booking.objects.filter(pk=instance.booking_id).update(state=f"refunded {instance.amount}")
