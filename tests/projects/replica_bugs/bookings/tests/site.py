"""The requests of a browser to the site, and the rows that are there before."""

from django.core.cache import cache

from bookings.models import Booking
from events.models import Event

FIRST, SECOND = "first@example.org", "second@example.org"


class Site:
    databases = {"default", "replica"}

    def setUp(self):
        cache.clear()
        self.event = Event.objects.create(title="Concert", slug="concert", notes="loud", taken=2)
        self.booking = Booking.objects.create(event=self.event, email=FIRST)

    def post(self, path, **fields):
        return self.client.post(path, fields)

    def post_ok(self, path, **fields):
        response = self.post(path, **fields)
        self.assertEqual(response.status_code, 200, response.content)
        return response.json()

    def get(self, path):
        response = self.client.get(path)
        self.assertEqual(response.status_code, 200, response.content)
        return response.json()

    def book(self, email=SECOND):
        return self.post_ok("/book/concert/", email=email)

    def saved(self, **fields):
        """The bookings with *fields* that the primary has."""
        return Booking.objects.using("default").filter(**fields).count()
