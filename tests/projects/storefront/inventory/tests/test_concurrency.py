import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, connection, transaction
from django.test import TransactionTestCase, skipUnlessDBFeature

from inventory import services
from inventory.models import StockLevel
from testing.factories import make_stock


def in_thread(function, *arguments):
    """Run in a thread of its own, whose connection is closed afterwards."""

    def run():
        try:
            return function(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=20)


@skipUnlessDBFeature("test_db_allows_multiple_connections", "has_select_for_update")
class ConcurrencyTests(TransactionTestCase):
    def setUp(self):
        self.level = make_stock("LAST", 1)

    def try_to_reserve(self, reference, barrier):
        barrier.wait(timeout=10)
        try:
            services.reserve("LAST", 1, reference)
        except services.OutOfStock:
            return "out of stock"
        finally:
            connection.close()
        return "reserved"

    def test_the_last_one_is_sold_once(self):
        barrier = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(self.try_to_reserve, name, barrier) for name in "AB"]
            outcomes = sorted(future.result(timeout=20) for future in futures)
        self.assertEqual(outcomes, ["out of stock", "reserved"])
        self.level.refresh_from_db()
        self.assertEqual(self.level.reserved, 1)

    @skipUnlessDBFeature("has_select_for_update_nowait")
    def test_a_locked_level_can_be_told(self):
        def lock():
            with transaction.atomic():
                return StockLevel.objects.select_for_update(nowait=True).get(pk=self.level.pk).pk

        with transaction.atomic():
            StockLevel.objects.select_for_update().get(pk=self.level.pk)
            with self.assertRaises(DatabaseError):
                in_thread(lock)
        self.assertEqual(in_thread(lock), self.level.pk)

    @skipUnlessDBFeature("has_select_for_update_skip_locked")
    def test_a_locked_level_can_be_passed_over(self):
        other = make_stock("OTHER", 1)

        def unlocked():
            with transaction.atomic():
                return list(StockLevel.objects.select_for_update(skip_locked=True).values_list("pk", flat=True))

        with transaction.atomic():
            StockLevel.objects.select_for_update().get(pk=self.level.pk)
            self.assertEqual(in_thread(unlocked), [other.pk])

    def test_another_connection_does_not_see_what_is_not_committed(self):
        def reserved():
            return StockLevel.objects.get(pk=self.level.pk).reserved

        with transaction.atomic():
            services.reserve("LAST", 1, "A")
            self.assertEqual(in_thread(reserved), 0)
        self.assertEqual(in_thread(reserved), 1)
