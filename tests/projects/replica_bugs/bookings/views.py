from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connections, transaction
from django.db.models import Sum
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render

from events.models import Event

from . import tasks
from .forms import SubscriberForm
from .models import Booking, Payment
from .paging import LightPaginator
from .serializers import BookingSerializer


def book(request, slug):
    event = Event.objects.get(slug=slug)
    # write: view, pagination, raw_cursor, raw_query, prefetch, aggregate, template, live_server, two_reads, export
    booking = event.bookings.create(email=request.POST["email"])
    number = event.bookings.count()  # read: view
    return JsonResponse({"id": booking.pk, "number": number})


async def book_async(request, slug):
    event = await Event.objects.aget(slug=slug)
    await event.bookings.acreate(email=request.POST["email"])  # write: async_view
    number = await event.bookings.acount()  # read: async_view
    return JsonResponse({"number": number})


def book_once(request, slug):
    event = Event.objects.get(slug=slug)
    if event.bookings.filter(email=request.POST["email"]).exists():  # read: exists_create
        return JsonResponse({"error": "booked already"}, status=409)
    event.bookings.create(email=request.POST["email"])  # write: exists_create
    return JsonResponse({})


def book_many(request, slug):
    event = Event.objects.get(slug=slug)
    rows = [Booking(event=event, email=email) for email in request.POST.getlist("email")]
    Booking.objects.bulk_create(rows)  # write: bulk
    return JsonResponse({"total": Booking.objects.filter(event=event).count()})  # read: bulk


def book_by_api(request, slug):
    serializer = BookingSerializer(Event.objects.get(slug=slug), {"email": request.POST["email"]})
    return JsonResponse(serializer.save())


def listing(request, slug):
    bookings = Booking.objects.filter(event__slug=slug)
    emails = [booking.email for booking in bookings.order_by("pk")]  # read: delete_list, live_server
    return JsonResponse({"emails": emails})


def paged(request, slug):
    bookings = Booking.objects.using("default").filter(event__slug=slug).order_by("pk")
    page = LightPaginator(bookings, 2).get_page(request.GET.get("page"))
    return JsonResponse({"page": page.number, "emails": [booking.email for booking in page]})


def schedule(request, email):
    found = Booking.objects.select_related("event").filter(email=email)
    return JsonResponse({"events": [booking.event.title for booking in found]})  # read: select_related


def attendees(request, slug):
    bookings = Booking.objects.filter(event__slug=slug)
    return render(request, "bookings/attendees.html", {"bookings": bookings})  # read: template


def export(request, slug):
    bookings = Booking.objects.filter(event__slug=slug).order_by("pk")
    lines = (f"{booking.email}\n" for booking in bookings.iterator())  # read: export
    return StreamingHttpResponse(lines, content_type="text/csv")


def statistics(request, slug):
    """The seats that are booked, counted by the server of the reports."""
    with connections["replica"].cursor() as cursor:
        sql = "SELECT COUNT(*) FROM bookings_booking JOIN events_event ON event_id = events_event.id WHERE slug = %s"
        cursor.execute(sql, [slug])  # read: raw_cursor
        return JsonResponse({"bookings": cursor.fetchone()[0]})


def newest(request):
    found = Booking.objects.raw("SELECT * FROM bookings_booking ORDER BY id DESC LIMIT 1")
    return JsonResponse({"email": next(iter(found)).email})  # read: raw_query


def seats(request, slug):
    found = Booking.objects.filter(event__slug=slug).aggregate(seats=Sum("seats"))  # read: aggregate
    return JsonResponse(found)


def dashboard(request, slug):
    """The number of all bookings may be late, that of the event not."""
    about = Booking.objects.count()
    last = Booking.objects.filter(event__slug=slug).latest("pk")  # read: two_reads
    return JsonResponse({"about": about, "last": last.email})


def cancel(request, pk):
    Booking.objects.filter(pk=pk).update(state="cancelled")  # write: command
    return JsonResponse({})


def delete(request, pk):
    booking = Booking.objects.get(pk=pk)
    booking.delete()  # write: delete_list
    return JsonResponse({})


def confirm(request, pk):
    with transaction.atomic():
        booking = Booking.objects.using("default").select_for_update().get(pk=pk)
        booking.state = "confirmed"
        booking.save()  # write: on_commit
        transaction.on_commit(lambda: tasks.send_confirmation(pk))
    return JsonResponse({})


def bill(request, pk):
    booking = Booking.objects.get(pk=pk)
    booking.state = "billed"
    booking.save()  # write: task
    tasks.run(tasks.send_invoice, booking.pk)
    return JsonResponse({})


def pay(request, pk):
    Payment.objects.create(booking_id=pk, amount=int(request.POST["amount"]))  # write: signal
    return JsonResponse({})


def subscribe(request):
    form = SubscriberForm(request.POST)
    if not form.is_valid():  # read: form_unique
        return JsonResponse(form.errors, status=400)
    try:
        form.save()  # write: form_unique
    except IntegrityError:
        return JsonResponse({"error": "try again later"}, status=503)
    return JsonResponse({})


def fill_basket(request):
    request.session["basket"] = request.POST["event"]
    return JsonResponse({})


def basket(request):
    return JsonResponse({"basket": request.session.get("basket")})  # read: session


def join_staff(request):
    request.user.groups.add(Group.objects.using("default").get(name="staff"))  # write: permission
    return JsonResponse({})


def staff_page(request):
    if not request.user.has_perm("bookings.view_booking"):  # read: permission
        raise PermissionDenied
    return HttpResponse("staff")


def change_password(request):
    request.user.set_password(request.POST["password"])
    request.user.save()  # write: login
    return JsonResponse({})


def log_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])  # read: login
    return HttpResponse(status=403 if user is None else 204)
