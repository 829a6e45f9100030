from .models import Booking


class BookingSerializer:
    """Saves a booking from a dictionary, and makes one of a booking."""

    def __init__(self, event, data):
        self.event = event
        self.data = data

    def save(self):
        booking = Booking.objects.create(event=self.event, **self.data)  # write: serializer
        return self.representation(booking.pk)

    def representation(self, pk):
        """The booking as a client of the API gets it, with what the database has added."""
        booking = Booking.objects.select_related("event").filter(pk=pk).first()  # read: serializer
        return {} if booking is None else {"email": booking.email, "event": booking.event.title}
