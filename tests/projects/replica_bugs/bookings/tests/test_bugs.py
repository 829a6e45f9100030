"""A test for each mistake. All but ``refused_write`` pass where a replica is never late.

The name of a test ends in that of its mistake. Comments in the code, ``write: NAME`` and ``read: NAME``, are at the lines of the
write and of the read that misses it.
"""

import json
import time
import urllib.parse
import urllib.request

from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.core.management import call_command
from django.test import LiveServerTestCase, TransactionTestCase

from events.models import Event, Tag

from .site import FIRST, SECOND, Site


class EventTests(Site, TransactionTestCase):
    def test_redirect(self):
        response = self.client.post("/events/", {"title": "Play", "slug": "play"}, follow=True)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.json(), {"title": "Play"})

    def test_cache(self):
        self.assertEqual(self.get("/events/concert/page/"), {"title": "Concert"})
        self.post_ok("/events/concert/edit/", title="Opera")
        self.get("/events/concert/page/")
        while Event.objects.get(slug="concert").title != "Opera":
            time.sleep(0.1)
        self.assertEqual(self.get("/events/concert/page/"), {"title": "Opera"})

    def test_deferred(self):
        self.post_ok("/events/concert/edit/", notes="quiet")
        self.assertEqual(self.get("/events/concert/notes/"), {"notes": "quiet"})

    def test_select_related(self):
        self.post_ok("/events/concert/edit/", title="Opera")
        self.assertEqual(self.get(f"/schedule/{FIRST}/"), {"events": ["Opera"]})

    def test_refused_write(self):
        self.post_ok("/events/concert/archive/")

    def test_get_or_create(self):
        self.post_ok("/events/concert/tag/", tag="music")
        self.post_ok("/events/concert/tag/", tag="music")
        self.assertEqual(Tag.objects.using("default").count(), 1)

    def test_foreign_key(self):
        self.assertEqual(self.post_ok("/events/concert/duplicate/"), {"title": "Concert"})

    def test_counter(self):
        for _ in range(2):
            self.post_ok("/events/concert/take_seat/")
        self.assertEqual(Event.objects.using("default").get().taken, 4)

    def test_refresh(self):
        self.assertEqual(self.post_ok("/events/concert/release_seat/"), {"taken": 1})

    def test_prefetch(self):
        self.book()
        self.assertEqual(self.get("/events/overview/"), {"concert": [FIRST, SECOND]})


class TagTests(Site, TransactionTestCase):
    def setUp(self):
        super().setUp()
        Tag.objects.create(name="music")

    def test_many_to_many(self):
        self.assertEqual(self.post_ok("/events/concert/tag/", tag="music"), {"tags": ["music"]})


class BookingTests(Site, TransactionTestCase):
    def test_view(self):
        self.assertEqual(self.book()["number"], 2)

    async def test_async_view(self):
        response = await self.async_client.post("/book_async/concert/", {"email": SECOND})
        self.assertEqual(response.json(), {"number": 2})

    def test_exists_create(self):
        found = [self.post("/book_once/concert/", email=SECOND).status_code for _ in range(2)]
        self.assertEqual(found, [200, 409])

    def test_bulk(self):
        self.assertEqual(self.post_ok("/book_many/concert/", email=["a@example.org", "b@example.org"]), {"total": 3})

    def test_serializer(self):
        self.assertEqual(self.post_ok("/book_by_api/concert/", email=SECOND), {"email": SECOND, "event": "Concert"})

    def test_delete_list(self):
        self.post_ok(f"/delete/{self.booking.pk}/")
        self.assertEqual(self.get("/listing/concert/"), {"emails": []})

    def test_pagination(self):
        for email in (SECOND, "third@example.org"):
            self.book(email)
        self.assertEqual(self.get("/paged/concert/?page=2"), {"page": 2, "emails": ["third@example.org"]})

    def test_template(self):
        self.book()
        self.assertContains(self.client.get("/attendees/concert/"), SECOND)

    def test_export(self):
        self.book()
        lines = self.client.get("/export/concert/").getvalue().decode().splitlines()
        self.assertEqual(lines, [FIRST, SECOND])

    def test_raw_cursor(self):
        self.book()
        self.assertEqual(self.get("/statistics/concert/"), {"bookings": 2})

    def test_raw_query(self):
        self.book()
        self.assertEqual(self.get("/newest/"), {"email": SECOND})

    def test_aggregate(self):
        self.book()
        self.assertEqual(self.get("/seats/concert/"), {"seats": 2})

    def test_two_reads(self):
        self.book()
        self.assertEqual(self.get("/dashboard/concert/")["last"], SECOND)


class WorkTests(Site, TransactionTestCase):
    """What happens after a request, or beside it."""

    def test_signal(self):
        self.post_ok(f"/pay/{self.booking.pk}/", amount=10)
        self.assertEqual(self.saved(state="paid"), 1)

    def test_on_commit(self):
        self.post_ok(f"/confirm/{self.booking.pk}/")
        self.assertEqual([each.subject for each in mail.outbox], ["confirmation"])

    def test_task(self):
        self.post_ok(f"/bill/{self.booking.pk}/")
        self.assertEqual([each.subject for each in mail.outbox], ["invoice"])

    def test_command(self):
        self.post_ok(f"/cancel/{self.booking.pk}/")
        call_command("remind")
        self.assertEqual(mail.outbox, [])


class UserTests(Site, TransactionTestCase):
    def setUp(self):
        super().setUp()
        self.user = User.objects.create_user("ann", password="old")
        staff = Group.objects.create(name="staff")
        staff.permissions.add(Permission.objects.get(codename="view_booking"))
        self.client.force_login(self.user)

    def test_permission(self):
        self.assertEqual(self.client.get("/staff_page/").status_code, 403)
        self.post_ok("/join_staff/")
        self.assertEqual(self.client.get("/staff_page/").status_code, 200)

    def test_login(self):
        self.post_ok("/change_password/", password="new")
        self.assertEqual(self.post("/log_in/", name="ann", password="new").status_code, 204)


class VisitorTests(Site, TransactionTestCase):
    def test_form_unique(self):
        found = [self.post("/subscribe/", email=FIRST).status_code for _ in range(2)]
        self.assertEqual(found, [200, 400])

    def test_session(self):
        self.client.post("/fill_basket/", {"event": "concert"})  # write: session
        self.assertEqual(self.get("/basket/"), {"basket": "concert"})


class ServerTests(Site, LiveServerTestCase):
    def test_live_server(self):
        data = urllib.parse.urlencode({"email": SECOND}).encode()
        with urllib.request.urlopen(f"{self.live_server_url}/book/concert/", data, timeout=20) as response:
            self.assertEqual(response.status, 200)
        with urllib.request.urlopen(f"{self.live_server_url}/listing/concert/", timeout=20) as response:
            self.assertEqual(json.load(response), {"emails": [FIRST, SECOND]})
        self.assertEqual(self.saved(), 2)
