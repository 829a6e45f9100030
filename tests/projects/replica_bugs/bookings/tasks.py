"""Work for after the response: ``run`` does it in a thread, as a queue would in another process."""

import threading
import time

from django.core.mail import send_mail
from django.db import connections

from .models import Booking


def run(task, *args):
    thread = threading.Thread(target=_run, args=(task, *args))
    thread.start()
    thread.join()


def _run(task, *args):
    try:
        task(*args)
    finally:
        connections.close_all()


def send(subject, booking):
    send_mail(subject, f"{booking.seats} seats", "bookings@example.org", [booking.email])


def send_confirmation(pk):
    booking = Booking.objects.get(pk=pk)  # read: on_commit
    if booking.state == "confirmed":
        send("confirmation", booking)


def send_invoice(pk):
    booking = Booking.objects.filter(pk=pk, state="billed").first()  # read: task
    if booking is not None:
        send("invoice", booking)


def send_ticket(pk):
    """Tries again until the booking has arrived."""
    until = time.monotonic() + 30
    while True:
        try:
            return send("ticket", Booking.objects.get(pk=pk))
        except Booking.DoesNotExist:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
