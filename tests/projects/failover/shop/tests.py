import time

from django.db import DatabaseError, connections
from django.test import TestCase, TransactionTestCase

from harness.testing import TopologyError, topology
from shop.failover import Outbox, Router, answers, choose_reader
from shop.models import Order


def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def on(alias):
    return set(Order.objects.using(alias).values_list("number", flat=True))


class PlainTests(TestCase):
    databases = {"default", "replica"}

    def test_a_read_and_a_write(self):
        Order.objects.create(number="plain")
        self.assertTrue(Order.objects.filter(number="plain").exists())


class FailoverTests(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        self.addCleanup(setattr, Router, "reader", "replica")
        self.addCleanup(setattr, Router, "writer", "default")
        self.topology = topology()
        # whatever an earlier test has done: both servers are as they were
        Order.objects.create(number="first")
        self.assertEqual(on("replica"), {"first"})
        with self.assertRaises(DatabaseError):
            Order.objects.using("replica").create(number="refused")

    def test_reads_leave_a_replica_that_hangs(self):
        replica = self.topology.replica("replica")
        replica.pause()
        self.assertEqual(choose_reader(), "default")
        self.assertEqual(Order.objects.count(), 1)
        replica.resume()
        self.assertEqual(choose_reader(), "replica")
        self.assertEqual(Order.objects.count(), 1)

    def test_a_primary_that_hangs(self):
        self.topology.primary("default").pause()
        self.assertFalse(answers("default"))
        self.assertEqual(on("replica"), {"first"})

    def test_orders_wait_for_a_primary_that_is_down(self):
        primary, outbox = self.topology.primary("default"), Outbox()
        primary.stop()
        primary.stop()
        self.assertFalse(outbox.place(Order(number="second")))
        self.assertEqual(on("replica"), {"first"})
        primary.start()
        self.assertEqual(outbox.send(), 1)
        self.assertTrue(eventually(lambda: on("replica") == {"first", "second"}))

    def test_a_primary_that_stays_down(self):
        self.topology.primary("default").stop()
        self.assertFalse(answers("default"))

    def test_a_replica_that_stays_down(self):
        self.topology.replica("replica").stop()
        self.assertEqual(choose_reader(), "default")

    def test_a_replica_takes_over(self):
        Order.objects.create(number="second")
        self.topology.replica("replica").promote()
        self.topology.primary("default").stop()
        Router.writer = "replica"
        Order.objects.create(number="third")
        self.assertEqual(on("replica"), {"first", "second", "third"})
        with self.assertRaisesRegex(TopologyError, "promoted"):
            self.topology.replica("replica").cut_off()

    def test_a_replica_without_its_primary_is_stale(self):
        self.topology.replica("replica").cut_off()
        Order.objects.create(number="second")
        time.sleep(0.5)
        self.assertEqual(on("replica"), {"first"})

    def test_a_late_replica_and_a_frozen_one(self):
        replica = self.topology.replica("replica")
        replica.lag("300ms")
        self.assertEqual(on("replica"), {"first"})
        begin = time.monotonic()
        Order.objects.create(number="second")
        self.assertEqual(on("replica"), {"first"})
        self.assertTrue(eventually(lambda: on("replica") == {"first", "second"}))
        self.assertGreater(time.monotonic() - begin, 0.29)
        replica.lag("0s")
        replica.freeze()
        Order.objects.create(number="third")
        time.sleep(0.3)
        self.assertEqual(on("replica"), {"first", "second"})
        replica.thaw()
        self.assertTrue(eventually(lambda: len(on("replica")) == 3))
        replica.freeze()

    def test_what_is_impossible(self):
        with self.assertRaisesRegex(TopologyError, r"'default' has no replica server of its own. .* takes 'replica'"):
            self.topology.replica("default")
        primary = self.topology.primary()
        primary.stop()
        with self.assertRaisesRegex(TopologyError, r"stopped: start\(\) first"):
            primary.pause()




class LastTests(TestCase):
    databases = {"default", "replica"}

    def test_a_read(self):
        self.assertEqual(connections["replica"].vendor, connections["default"].vendor)
