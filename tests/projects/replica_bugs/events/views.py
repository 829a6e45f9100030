from django.core.cache import cache
from django.db.models import F, Prefetch
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect

from bookings.models import Booking

from .forms import EventForm
from .models import Event, Tag


def create(request):
    form = EventForm(request.POST)
    if not form.is_valid():
        return JsonResponse(form.errors, status=400)
    event = form.save()  # write: redirect
    return redirect("event", slug=event.slug)


def detail(request, slug):
    event = get_object_or_404(Event, slug=slug)  # read: redirect
    return JsonResponse({"title": event.title})


def edit(request, slug):
    event = Event.objects.using("default").get(slug=slug)
    event.title = request.POST.get("title", event.title)
    event.notes = request.POST.get("notes", event.notes)
    event.save()  # write: cache, select_related, deferred
    cache.delete(f"event:{slug}")
    return JsonResponse({"title": event.title})


def page(request, slug):
    content = cache.get(f"event:{slug}")
    if content is None:
        event = Event.objects.get(slug=slug)  # read: cache
        content = {"title": event.title}
        cache.set(f"event:{slug}", content)
    return JsonResponse(content)


def edit_page(request, slug):
    """Edit the event, and put into the cache what has been saved."""
    event = Event.objects.using("default").get(slug=slug)
    event.title = request.POST["title"]
    event.save()
    cache.set(f"event:{slug}", {"title": event.title})
    return JsonResponse({"title": event.title})


def notes(request, slug):
    event = Event.objects.using("default").defer("notes").get(slug=slug)
    return JsonResponse({"notes": event.notes})  # read: deferred


def archive(request, slug):
    Event.objects.using("replica").filter(slug=slug).update(archived=True)  # refused: refused_write
    return JsonResponse({"archived": True})


def tag(request, slug):
    event = Event.objects.get(slug=slug)
    tag, _ = Tag.objects.get_or_create(name=request.POST["tag"])
    event.tags.add(tag)  # write: many_to_many
    return JsonResponse({"tags": [each.name for each in event.tags.all()]})  # read: many_to_many


def duplicate(request, slug):
    """Copy the event for another date, with a booking for its organiser."""
    copy = Event.objects.get(slug=slug)
    copy.pk, copy.slug = None, f"{slug}-again"
    copy.save()  # write: foreign_key
    booking = Booking.objects.create(event_id=copy.pk, email="organiser@example.org")
    return JsonResponse({"title": booking.event.title})  # read: foreign_key


def take_seat(request, slug):
    event = Event.objects.get(slug=slug)  # read: counter
    event.taken += 1
    event.save()  # write: counter
    return JsonResponse({})


def release_seat(request, slug):
    event = Event.objects.get(slug=slug)
    Event.objects.filter(pk=event.pk).update(taken=F("taken") - 1)  # write: refresh
    event.refresh_from_db()  # read: refresh
    return JsonResponse({"taken": event.taken})


def release_seat_on_primary(request, slug):
    event = Event.objects.get(slug=slug)
    Event.objects.filter(pk=event.pk).update(taken=F("taken") - 1)
    event.refresh_from_db(using="default")
    return JsonResponse({"taken": event.taken})


def overview(request):
    found = {}
    for event in Event.objects.using("default").prefetch_related("bookings"):  # read: prefetch
        found[event.slug] = [booking.email for booking in event.bookings.all()]
    return JsonResponse(found)


def overview_on_primary(request):
    bookings = Prefetch("bookings", Booking.objects.using("default"))
    events = Event.objects.using("default").prefetch_related(bookings)
    return JsonResponse({event.slug: [booking.email for booking in event.bookings.all()] for event in events})
