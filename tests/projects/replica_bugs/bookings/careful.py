"""Views that do the same right: each reads from the primary, or does without a read, or can do with an old row."""

import time

from django.db import IntegrityError, connections, transaction
from django.db.models import Sum
from django.http import HttpResponse, JsonResponse

from events.models import Event, Tag

from . import tasks
from .forms import CheckedSubscriberForm
from .models import Booking, Refund, Subscriber


def book(request, slug):
    """Reads from the primary."""
    booking = Event.objects.get(slug=slug).bookings.create(email=request.POST["email"])
    number = Booking.objects.using("default").filter(event__slug=slug).count()
    return JsonResponse({"id": booking.pk, "number": number})


async def book_async(request, slug):
    event = await Event.objects.aget(slug=slug)
    await event.bookings.acreate(email=request.POST["email"])
    return JsonResponse({"number": await Booking.objects.using("default").filter(event=event).acount()})


def book_and_wait(request, slug):
    """Answers when the replica has the booking."""
    booking = Event.objects.get(slug=slug).bookings.create(email=request.POST["email"])
    until = time.monotonic() + 30
    while not Booking.objects.filter(pk=booking.pk).exists() and time.monotonic() < until:
        time.sleep(0.05)
    return JsonResponse({"number": Booking.objects.filter(event__slug=slug).count()})


def book_and_log(request, slug):
    """Counts on the replica, for a log, and on the primary, for the answer."""
    booking = Event.objects.get(slug=slug).bookings.create(email=request.POST["email"])
    about = Booking.objects.filter(event__slug=slug).count()
    number = Booking.objects.using("default").filter(event__slug=slug).count()
    return JsonResponse({"id": booking.pk, "number": number}, headers={"X-About": about})


def book_in_transaction(request, slug):
    with transaction.atomic():
        event = Event.objects.using("default").select_for_update().get(slug=slug)
        event.bookings.create(email=request.POST["email"])
        number = Booking.objects.using("default").filter(event=event).count()
    return JsonResponse({"number": number})


def find(request, pk):
    """Looks on the replica, then on the primary."""
    booking = Booking.objects.filter(pk=pk).first() or Booking.objects.using("default").get(pk=pk)
    return JsonResponse({"email": booking.email})


def statistics(request):
    """May be late, and says so."""
    return JsonResponse({"bookings": Booking.objects.count(), "note": "updated every few minutes"})


def statistics_on_primary(request):
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM bookings_booking")
        return JsonResponse({"bookings": cursor.fetchone()[0]})


def seats(request, slug):
    return JsonResponse(Booking.objects.using("default").filter(event__slug=slug).aggregate(seats=Sum("seats")))


def confirm(request, pk):
    """Passes the booking on, instead of its key."""
    with transaction.atomic():
        booking = Booking.objects.using("default").select_for_update().get(pk=pk)
        booking.state = "confirmed"
        booking.save()
        transaction.on_commit(lambda: tasks.send("confirmation", booking))
    return JsonResponse({})


def bill(request, pk):
    booking = Booking.objects.get(pk=pk)
    booking.state = "billed"
    booking.save()
    tasks.run(tasks.send, "invoice", booking)
    return JsonResponse({})


def send_ticket(request, slug):
    booking = Event.objects.get(slug=slug).bookings.create(email=request.POST["email"])
    tasks.run(tasks.send_ticket, booking.pk)
    return JsonResponse({})


def refund(request, pk):
    Refund.objects.create(booking_id=pk, amount=int(request.POST["amount"]))
    return JsonResponse({})


def subscribe(request):
    form = CheckedSubscriberForm(request.POST)
    if not form.is_valid():
        return JsonResponse(form.errors, status=400)
    form.save()
    return JsonResponse({})


def subscribe_once(request):
    """Lets the database refuse an address that is there."""
    try:
        Subscriber.objects.create(email=request.POST["email"])
    except IntegrityError:
        return JsonResponse({"email": ["taken"]}, status=400)
    return JsonResponse({})


def delete(request, pk):
    """Answers with those that are left, whatever the replica says."""
    booking = Booking.objects.get(pk=pk)
    left = [each.email for each in Booking.objects.order_by("pk") if each.pk != pk]
    booking.delete()
    return JsonResponse({"emails": left})


def tag(request, slug):
    """Django's own method reads from the primary."""
    tag, is_new = Tag.plain.get_or_create(name=request.POST["tag"])
    Tag.plain.update_or_create(name=tag.name, defaults={"name": tag.name.lower()})
    return JsonResponse({"tag": tag.name, "is_new": is_new})


def basket(request):
    """Reads the session that this request has filled."""
    request.session["basket"] = request.POST["event"]
    return HttpResponse(request.session["basket"])
