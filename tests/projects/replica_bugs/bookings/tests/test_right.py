"""Tests of code that is right, and tests that fail for another reason than a late replica. None of them has found a mistake.

``fails`` is red in each run.
"""

import time
import unittest

from django.conf import settings
from django.core import mail
from django.db import DatabaseError, connections, transaction
from django.test import LiveServerTestCase, TestCase, TransactionTestCase, override_settings

from bookings.models import Booking, Subscriber
from events.models import Event, Tag, Venue

from .site import FIRST, SECOND, Site


class EventTests(Site, TransactionTestCase):
    def test_cache_is_filled_with_what_was_saved(self):
        self.post_ok("/events/concert/edit_page/", title="Opera")
        self.assertEqual(self.get("/events/concert/page/"), {"title": "Opera"})

    def test_refresh_from_primary(self):
        self.assertEqual(self.post_ok("/events/concert/release_seat/primary/"), {"taken": 1})

    def test_prefetch_from_primary(self):
        self.book()
        self.assertEqual(self.get("/events/overview/primary/"), {"concert": [FIRST, SECOND]})

    def test_expression(self):
        for _ in range(2):
            self.post_ok("/events/concert/release_seat/primary/")
        self.assertEqual(Event.objects.using("default").get().taken, 0)

    def test_get_or_create_of_django(self):
        found = [self.post_ok("/careful/tag/concert/", tag="music")["is_new"] for _ in range(2)]
        self.assertEqual(found, [True, False])

    def test_other_tables(self):
        self.post_ok("/careful/tag/concert/", tag="music")
        self.assertEqual(self.get("/listing/concert/"), {"emails": [FIRST]})

    def test_rows_of_set_up_beside_new_ones(self):
        Event.objects.create(title="Play", slug="play")
        self.assertEqual(self.get("/events/concert/"), {"title": "Concert"})


class BookingTests(Site, TransactionTestCase):
    def test_primary(self):
        self.assertEqual(self.post_ok("/careful/book/concert/", email=SECOND)["number"], 2)

    async def test_primary_in_async_view(self):
        response = await self.async_client.post("/careful/book_async/concert/", {"email": SECOND})
        self.assertEqual(response.json(), {"number": 2})

    def test_waits(self):
        self.assertEqual(self.post_ok("/careful/book_and_wait/concert/", email=SECOND), {"number": 2})

    def test_late_count_for_a_log(self):
        self.assertEqual(self.post_ok("/careful/book_and_log/concert/", email=SECOND)["number"], 2)

    def test_transaction_on_primary(self):
        self.assertEqual(self.post_ok("/careful/book_in_transaction/concert/", email=SECOND), {"number": 2})

    def test_falls_back_to_primary(self):
        pk = self.post_ok("/careful/book/concert/", email=SECOND)["id"]
        self.assertEqual(self.get(f"/careful/find/{pk}/"), {"email": SECOND})

    def test_both_values_are_right(self):
        self.book()
        self.assertIn(self.get("/careful/statistics/")["bookings"], (1, 2))

    def test_cursor_of_primary(self):
        self.book()
        self.assertEqual(self.get("/careful/statistics_on_primary/"), {"bookings": 2})

    def test_aggregate_of_primary(self):
        self.book()
        self.assertEqual(self.get("/careful/seats/concert/"), {"seats": 2})

    def test_deleted_row_is_left_out(self):
        self.assertEqual(self.post_ok(f"/careful/delete/{self.booking.pk}/"), {"emails": []})

    def test_read_before_write(self):
        self.assertEqual(self.get("/listing/concert/"), {"emails": [FIRST]})
        self.book()
        self.assertEqual(self.saved(), 2)

    def test_refusal_is_expected(self):
        with self.assertRaises(DatabaseError), transaction.atomic(using="replica"):
            Booking.objects.using("replica").create(event=self.event, email=SECOND)


class WorkTests(Site, TransactionTestCase):
    def test_signal_uses_the_instance(self):
        self.post_ok(f"/careful/refund/{self.booking.pk}/", amount=10)
        self.assertEqual(self.saved(state="refunded 10"), 1)

    def test_on_commit_gets_the_object(self):
        self.post_ok(f"/careful/confirm/{self.booking.pk}/")
        self.assertEqual([each.subject for each in mail.outbox], ["confirmation"])

    def test_task_gets_the_object(self):
        self.post_ok(f"/careful/bill/{self.booking.pk}/")
        self.assertEqual([each.subject for each in mail.outbox], ["invoice"])

    def test_task_tries_again(self):
        self.post_ok("/careful/send_ticket/concert/", email=SECOND)
        self.assertEqual([each.to for each in mail.outbox], [[SECOND]])


class VisitorTests(Site, TransactionTestCase):
    def test_form_looks_on_primary(self):
        found = [self.post("/careful/subscribe/", email=FIRST).status_code for _ in range(2)]
        self.assertEqual(found, [200, 400])

    def test_database_refuses_a_second_one(self):
        found = [self.post("/careful/subscribe_once/", email=FIRST).status_code for _ in range(2)]
        self.assertEqual(found, [200, 400])

    def test_session_of_the_same_request(self):
        self.assertEqual(self.post("/careful/basket/", event="concert").content, b"concert")


@override_settings(
    DATABASE_ROUTERS=["config.routers.PinningRouter"],
    MIDDLEWARE=["config.middleware.PinningMiddleware", *settings.MIDDLEWARE],
)
class PinnedTests(Site, TransactionTestCase):
    def test_pinned_request(self):
        self.assertEqual(self.book()["number"], 2)

    def test_pinned_browser(self):
        self.post_ok(f"/delete/{self.booking.pk}/")
        self.assertEqual(self.get("/listing/concert/"), {"emails": []})

    def test_other_browser(self):
        self.assertEqual(self.get("/listing/concert/"), {"emails": [FIRST]})


class ServerTests(Site, LiveServerTestCase):
    def test_live_server_reads_rows_of_set_up(self):
        client = self.client_class(SERVER_NAME="localhost")
        self.assertEqual(client.get(f"{self.live_server_url}/listing/concert/").json(), {"emails": [FIRST]})


class SharedTests(Site, TestCase):
    def test_uncommitted_rows(self):
        self.assertEqual(self.book()["number"], 2)

    def test_select_for_update(self):
        self.assertEqual(self.post_ok("/careful/book_in_transaction/concert/", email=SECOND), {"number": 2})


class PrimaryTests(Site, TransactionTestCase):
    harness_mirrors = "primary"

    def test_replica_is_the_primary(self):
        self.assertEqual(self.book()["number"], 2)


class MigratedTests(TestCase):
    databases = {"default", "replica"}
    harness_mirrors = "replica"

    def test_migrated_rows(self):
        Tag.objects.create(name="music")
        self.assertEqual([venue.name for venue in Venue.objects.all()], ["Town hall"])


def count(name):
    """The number of times that this was called with *name* since the folder of the state is there."""
    file = settings.STATE_FOLDER / f"replica-bugs-{name}"
    number = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(number))
    return number


class RedTests(Site, TransactionTestCase):
    """Tests that fail, now or in another run, however late the replica is."""

    def test_fails(self):
        with transaction.atomic():
            Booking.objects.create(event=self.event, email=SECOND)
            self.assertEqual(Booking.objects.count(), 2)

    @unittest.expectedFailure
    def test_expected_failure(self):
        self.book()
        self.assertEqual(self.get("/listing/concert/"), {"emails": []})

    @unittest.skip("until there are bookings by phone")
    def test_skipped(self):
        self.assertEqual(self.book()["number"], 2)

    def test_fails_every_second_time(self):
        self.book()
        self.get("/listing/concert/")
        self.assertEqual(count("second") % 2, 1)

    def test_fails_once(self):
        self.book()
        self.get("/listing/concert/")
        self.assertNotEqual(count("once"), 2)

    def test_fails_after_the_first_time(self):
        Subscriber.objects.create(email=SECOND)
        self.assertEqual(Subscriber.objects.filter(email=FIRST).count(), 0)
        self.assertEqual(count("first"), 1)

    def test_time_limit_of_its_own(self):
        begin = time.monotonic()
        self.post_ok("/careful/book_and_wait/concert/", email=SECOND)
        self.assertLess(time.monotonic() - begin, 0.4)
