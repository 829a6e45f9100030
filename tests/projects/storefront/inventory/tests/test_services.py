from django.db import IntegrityError, transaction
from django.test import TestCase, skipUnlessDBFeature

from inventory import services
from inventory.models import StockLevel, StockMovement, Warehouse
from testing.factories import make_stock


class ReceiveTests(TestCase):
    def test_the_first_delivery_makes_the_level(self):
        level = services.receive("MAIN", "MUG", 12, reference="PO-1")
        self.assertEqual((level.on_hand, level.reserved), (12, 0))

    def test_deliveries_add_up(self):
        services.receive("MAIN", "MUG", 12)
        self.assertEqual(services.receive("MAIN", "MUG", 3).on_hand, 15)

    def test_an_unknown_warehouse(self):
        with self.assertRaises(Warehouse.DoesNotExist):
            services.receive("MOON", "MUG", 1)

    def test_it_is_recorded(self):
        services.receive("MAIN", "MUG", 12, reference="PO-1")
        movement = StockMovement.objects.get()
        self.assertEqual((movement.reason, movement.quantity, movement.reference), ("received", 12, "PO-1"))


class ReserveTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.main = make_stock("MUG", 5)
        cls.north = make_stock("MUG", 4, warehouse="NORTH", priority=1)

    def reserved(self):
        return list(StockLevel.objects.order_by("warehouse__priority").values_list("reserved", flat=True))

    def test_the_nearest_warehouse_comes_first(self):
        services.reserve("MUG", 5, "A")
        self.assertEqual(self.reserved(), [5, 0])

    def test_the_next_one_gives_the_rest(self):
        services.reserve("MUG", 7, "A")
        self.assertEqual(self.reserved(), [5, 2])
        self.assertEqual(services.available("MUG"), 2)

    def test_all_or_nothing(self):
        with self.assertRaises(services.OutOfStock) as caught:
            services.reserve("MUG", 10, "A")
        self.assertEqual((caught.exception.wanted, caught.exception.available), (10, 9))
        self.assertEqual(self.reserved(), [0, 0])

    def test_what_nobody_has(self):
        with self.assertRaisesMessage(services.OutOfStock, "1 of ROCKET wanted, 0 available"):
            services.reserve("ROCKET", 1, "A")

    def test_release_gives_everything_back(self):
        services.reserve("MUG", 7, "A")
        services.reserve("MUG", 1, "B")
        self.assertEqual(services.release("A"), 7)
        self.assertEqual(self.reserved(), [0, 1])

    def test_release_counts_once(self):
        services.reserve("MUG", 7, "A")
        services.release("A")
        self.assertEqual(services.release("A"), 0)

    def test_what_is_shipped_has_left(self):
        services.reserve("MUG", 7, "A")
        services.ship("A")
        self.assertEqual(self.reserved(), [0, 0])
        self.assertEqual(list(StockLevel.objects.order_by("pk").values_list("on_hand", flat=True)), [0, 2])

    def test_what_is_shipped_cannot_be_released(self):
        services.reserve("MUG", 2, "A")
        services.ship("A")
        self.assertEqual(services.release("A"), 0)

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_no_more_is_reserved_than_there_is(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            StockLevel.objects.filter(pk=self.main.pk).update(reserved=6)

    @skipUnlessDBFeature("has_select_for_update")
    def test_locks_what_it_counts(self):
        with self.assertNumQueries(5) as queries:
            services.reserve("MUG", 1, "A")
        self.assertTrue(any("FOR UPDATE" in query["sql"] for query in queries.captured_queries))
