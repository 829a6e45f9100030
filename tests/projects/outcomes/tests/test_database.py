"""Failures that leave SQL behind."""

import unittest

from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.db.models import Sum
from django.test import TestCase, TransactionTestCase, skipIfDBFeature, tag

from bank.models import Account, Transfer, transfer
from expectations import expect


class DatabaseTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ada = Account.objects.create(owner="ada", balance=100)
        cls.grace = Account.objects.create(owner="grace", balance=50)

    @expect("PASSED")
    def test_transfers(self):
        transfer(self.ada, self.grace, 30)
        self.assertEqual(Account.objects.aggregate(total=Sum("balance"))["total"], 150)

    @expect("FAILED")
    def test_fails_after_several_queries(self):
        for amount in (10, 20):
            transfer(self.ada, self.grace, amount)
        self.ada.refresh_from_db()
        self.assertEqual(self.ada.balance, 100)

    @expect("ERRORED")
    def test_bad_sql(self):
        Account.objects.create(owner="o'hara %s")
        with connection.cursor() as cursor:
            cursor.execute("SELECT nonsense FROM bank_account WHERE owner = %s", ["o'hara %s"])

    @expect("FAILED")
    def test_goes_on_after_a_rollback(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            transfer(self.ada, self.grace, 1000)
        self.assertEqual(Transfer.objects.count(), 1, "the transfer was rolled back")

    @expect("ERRORED")
    def test_breaks_its_transaction(self):
        try:
            Account.objects.create(owner="ada")
        except IntegrityError:
            Account.objects.count()

    @expect("FAILED")
    def test_counts_queries(self):
        with self.assertNumQueries(1):
            for account in Account.objects.order_by("owner"):
                list(account.sent.all())

    @expect("ERRORED")
    def test_constraint_that_is_checked_at_the_end(self):
        """Passes, and then the check of deferred constraints behind every ``TestCase`` does not."""
        Transfer.objects.create(source_id=self.ada.pk, target_id=self.ada.pk + 1000, amount=1)

    @expect("PASSED")
    def test_what_others_left_is_gone(self):
        self.assertEqual(list(Account.objects.order_by("owner").values_list("balance", flat=True)), [100, 50])
        self.assertFalse(Transfer.objects.exists())

    @expect("FAILED")
    def test_fails_after_binary_and_odd_parameters(self):
        Account.objects.filter(owner__in=["\x1b[31m", "';--", "🙈", "%(x)s", "a\nb"]).count()
        self.fail("after odd parameters")

    @expect("FAILED")
    def test_fails_after_many_queries(self):
        for number in range(300):
            Account.objects.filter(balance=number).exists()
        self.fail("after three hundred queries")

    @skipIfDBFeature("supports_transactions")
    @expect("SKIPPED")
    def test_skipped_for_a_feature_of_the_database(self):
        self.fail("never")


class CommittingTests(TransactionTestCase):
    databases = {"default", "replica"}

    @expect("PASSED")
    def test_reads_from_the_replica(self):
        Account.objects.create(owner="ada", balance=7)
        self.assertEqual(Account.objects.using("replica").get(owner="ada").balance, 7)

    @expect("FAILED")
    def test_fails_after_reading_from_the_replica(self):
        ada = Account.objects.create(owner="ada", balance=7)
        with transaction.atomic():
            transfer(ada, Account.objects.create(owner="grace"), 5)
        self.assertEqual(Account.objects.using("replica").get(owner="ada").balance, 7)

    @expect("FAILED")
    def test_fails_within_a_transaction(self):
        with transaction.atomic():
            Account.objects.create(owner="joan")
            self.fail("and rolls back")

    @expect("PASSED")
    def test_closes_its_connection(self):
        connection.close()
        self.assertFalse(Account.objects.exists())

    @expect("PASSED")
    def test_what_others_left_is_gone(self):
        self.assertFalse(Account.objects.exists())
        self.assertFalse(Account.objects.using("replica").exists())


ADDRESS = {"postgresql": "SELECT host(inet_server_addr())", "mysql": "SELECT @@global.server_id"}


@tag("topology")
@unittest.skipUnless(connection.vendor in ADDRESS, "The database is no server.")
class ReplicaTests(TransactionTestCase):
    databases = {"default", "replica"}

    @expect("PASSED", sqlite="SKIPPED")
    def test_is_another_server(self):
        addresses = set()
        for alias in self.databases:
            with connections[alias].cursor() as cursor:
                cursor.execute(ADDRESS[connection.vendor])
                addresses |= set(cursor.fetchone())
        self.assertEqual(len(addresses), 2)

    @expect("PASSED", sqlite="SKIPPED")
    def test_takes_no_writes(self):
        with self.assertRaises(DatabaseError):
            Account.objects.using("replica").create(owner="ada")

    @expect("ERRORED", sqlite="SKIPPED")
    def test_writes_all_the_same(self):
        Account.objects.using("replica").create(owner="ada")


@tag("topology")
class MirrorTests(TestCase):
    """Within a transaction the replica is its primary, which does not take writes by that name."""

    databases = {"default", "replica"}

    @expect("PASSED")
    def test_shows_what_is_not_committed(self):
        Account.objects.create(owner="ada")
        self.assertTrue(Account.objects.using("replica").filter(owner="ada").exists())

    @expect("ERRORED")
    def test_takes_no_writes(self):
        Account.objects.using("replica").create(owner="ada")
