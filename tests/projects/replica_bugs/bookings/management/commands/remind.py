from django.core.management import BaseCommand

from bookings.models import Booking
from bookings.tasks import send


class Command(BaseCommand):
    help = "Sends a mail for each booking that is not cancelled."

    def handle(self, **options):
        for booking in Booking.objects.exclude(state="cancelled"):  # read: command
            send("reminder", booking)
