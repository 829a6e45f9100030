from django.db import DatabaseError, connections, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from shop.models import Item


class SharingTests(TestCase):
    databases = {"default", "replica"}

    def test_a_write_to_the_primary_is_seen_through_the_mirror(self):
        Item.objects.create(name="a")
        self.assertTrue(Item.objects.using("replica").filter(name="a").exists())

    def test_a_write_through_the_mirror_fails_and_undoes_nothing(self):
        Item.objects.create(name="a")
        with self.assertRaisesMessage(DatabaseError, "readonly"), transaction.atomic(using="replica"):
            Item.objects.using("replica").create(name="b")
        self.assertEqual(Item.objects.using("replica").count(), 2)
        Item.objects.create(name="c")
        self.assertEqual(Item.objects.count(), 3)

    def test_each_alias_counts_its_own_queries(self):
        with self.assertNumQueries(1, using="replica"), self.assertNumQueries(2, using="default"):
            list(Item.objects.all())
            list(Item.objects.using("replica").all())
            list(Item.objects.all())

    def test_transactions_nest_across_both(self):
        with transaction.atomic(), transaction.atomic(using="replica"):
            Item.objects.create(name="a")
            self.assertTrue(Item.objects.using("replica").filter(name="a").exists())
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            with transaction.atomic(using="replica"):
                Item.objects.create(name="b")
            raise ZeroDivisionError
        self.assertEqual(list(Item.objects.using("replica").order_by("pk").values_list("name", flat=True)), ["migrated", "a"])

    def test_an_iterator_reads_through_the_mirror(self):
        self.assertEqual([item.name for item in Item.objects.using("replica").iterator()], ["migrated"])

    def test_what_is_read_through_the_mirror_is_of_the_mirror(self):
        item = Item.objects.using("replica").get()
        self.assertEqual(item._state.db, "replica")
        self.assertEqual(connections["replica"].alias, "replica")

    def test_fails_and_shows_its_sql(self):
        Item.objects.using("replica").count()
        Item.objects.count()
        self.fail("to be shown")


class MirrorAloneTests(TestCase):
    databases = {"replica"}

    def test_reads(self):
        self.assertEqual(Item.objects.using("replica").get().name, "migrated")

    def test_may_not_use_the_primary(self):
        with self.assertRaisesMessage(AssertionError, "not allowed"):
            Item.objects.count()


class OtherAloneTests(TestCase):
    """Depends on ``default`` by Django's rule, which nobody selected."""

    databases = {"other"}

    def test_reads(self):
        self.assertEqual(Item.objects.using("other").count(), 1)


class PrimaryAloneTests(TestCase):
    def test_may_not_use_the_mirror(self):
        with self.assertRaisesMessage(AssertionError, "not allowed"):
            Item.objects.using("replica").count()


class CommittingTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_what_the_server_can_do_is_known(self):
        """As system checks do: what is known of the primary is known of the mirror, which a SimpleTestCase may not ask."""
        self.assertIs(vars(connections["replica"].features), vars(connections["default"].features))

    def test_a_write_to_the_primary_is_seen_through_the_mirror(self):
        Item.objects.create(name="a")
        self.assertTrue(Item.objects.using("replica").filter(name="a").exists())

    def test_a_write_through_the_mirror_fails(self):
        with self.assertRaisesMessage(DatabaseError, "readonly"):
            Item.objects.using("replica").create(name="b")


class NoDatabaseTests(SimpleTestCase):
    def test_may_use_none(self):
        with self.assertRaises(AssertionError):
            Item.objects.using("replica").count()
