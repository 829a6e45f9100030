"""Several replicas of one primary, a mirror of another alias, routers, views, live servers, threads: each with real replicas."""

import json
import threading
import urllib.error
import urllib.parse
import urllib.request

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections, transaction
from django.test import LiveServerTestCase, TestCase, TransactionTestCase, override_settings

from shop.models import Item, is_replica, server, session

EVERY = {"default", "replica", "second", "other", "far"}
RANDOM = override_settings(DATABASE_ROUTERS=["shop.routers.RandomRouter"])
PINNING = override_settings(
    DATABASE_ROUTERS=["multidb.PinningReplicaRouter"], MIDDLEWARE=["multidb.middleware.PinningRouterMiddleware"]
)
REPLICATED = override_settings(
    DATABASE_ROUTERS=["django_replicated.router.ReplicationRouter"],
    MIDDLEWARE=["django_replicated.middleware.ReplicationMiddleware"],
)


class SharedTests(TestCase):
    databases = EVERY

    def test_each_mirror_has_the_session_of_its_primary(self):
        self.assertEqual(session("replica"), session("default"))
        self.assertEqual(session("second"), session("default"))
        self.assertEqual(session("far"), session("other"))
        self.assertNotEqual(session("other"), session("default"))

    def test_each_mirror_shows_the_rows_of_its_primary(self):
        Item.objects.create(name="of default")
        Item.objects.using("other").create(name="of other")
        shown = {alias: [item.name for item in Item.objects.using(alias)] for alias in EVERY}
        default, other = ["of default"], ["of other"]
        self.assertEqual(
            shown, {"default": default, "replica": default, "second": default, "other": other, "far": other}
        )

    def test_no_mirror_is_written(self):
        for alias in ("replica", "second", "far"):
            with self.assertRaisesRegex(DatabaseError, "read-only"):
                Item.objects.using(alias).create(name="refused")
        Item.objects.using("other").create(name="written")


class FarAloneTests(TestCase):
    databases = {"far"}

    def test_it_reads(self):
        self.assertEqual(Item.objects.using("far").count(), 0)


class ReplicaTests(TransactionTestCase):
    databases = EVERY

    def test_each_alias_has_a_server(self):
        self.assertEqual(len({server(alias) for alias in EVERY}), 5)
        self.assertEqual({alias for alias in EVERY if is_replica(alias)}, {"replica", "second", "far"})

    def test_each_replica_shows_the_rows_of_its_primary(self):
        for number in range(10):
            Item.objects.create(name=f"of default {number}")
            Item.objects.using("other").create(name=f"of other {number}")
            for alias, primary in {"replica": "default", "second": "default", "far": "other"}.items():
                last = Item.objects.using(alias).latest("id")
                self.assertEqual(last.name, f"of {primary} {number}")

    def test_no_replica_is_written(self):
        for alias in ("replica", "second", "far"):
            with self.assertRaisesRegex(DatabaseError, "read-only"):
                Item.objects.using(alias).create(name="refused")

    def test_after_close_all(self):
        Item.objects.create(name="first")
        self.assertEqual(Item.objects.using("second").count(), 1)
        connections.close_all()
        self.assertEqual(Item.objects.using("second").count(), 1)
        Item.objects.create(name="second")
        self.assertEqual(Item.objects.using("second").count(), 2)

    def test_on_commit_reads_what_was_committed(self):
        seen = []
        with transaction.atomic():
            Item.objects.create(name="new")
            transaction.on_commit(lambda: seen.append(Item.objects.using("replica").count()))
            seen.append(Item.objects.using("replica").count())
        self.assertEqual(seen, [0, 1])

    def test_on_commit_of_a_replica(self):
        seen = []
        with transaction.atomic(), transaction.atomic(using="replica"):
            transaction.on_commit(lambda: seen.append("replica"), using="replica")
            transaction.on_commit(lambda: seen.append("primary"))
        self.assertEqual(seen, ["replica", "primary"])

    def test_a_rollback_of_the_replica_undoes_nothing_of_the_primary(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic(using="replica"):
            Item.objects.create(name="kept")
            1 / 0
        self.assertEqual(Item.objects.using("replica").get().name, "kept")

    def test_threads(self):
        seen, wrong = [], []

        def read(number):
            try:
                Item.objects.create(name=f"item {number}")
                found = Item.objects.using(("replica", "second")[number % 2])
                seen.append((found.filter(name=f"item {number}").count(), is_replica(found.db)))
            except BaseException as error:
                wrong.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((wrong, seen), ([], [(1, True)] * 4))

    async def test_an_async_view(self):
        found = (await self.async_client.get("/async/")).json()
        self.assertEqual(found, {"names": ["written by the view"], "count": 1})

    async def test_a_thread_of_its_own(self):
        await Item.objects.acreate(name="async")

        def read():
            try:
                return Item.objects.using("replica").count(), is_replica("replica")
            finally:
                connections.close_all()

        self.assertEqual(await sync_to_async(read, thread_sensitive=False)(), (1, True))


class PrimaryTests(TransactionTestCase):
    """Mirrors on their primary's connection, where tests commit."""

    databases = EVERY
    harness_mirrors = "primary"

    def test_after_close_all(self):
        Item.objects.create(name="first")
        for _ in range(2):
            self.assertEqual(Item.objects.using("second").count(), 1)
            self.assertEqual(len(list(Item.objects.using("second").iterator(chunk_size=1))), 1)
            connections.close_all()
        self.assertFalse(is_replica("second"))
        self.assertEqual(session("second"), session("default"))

    def test_no_lock_outside_of_a_transaction(self):
        with self.assertRaises(transaction.TransactionManagementError):
            list(Item.objects.using("replica").select_for_update())

    def test_on_commit_of_a_mirror(self):
        seen = []
        transaction.on_commit(lambda: seen.append("at once"), using="replica")
        with transaction.atomic(), transaction.atomic(using="replica"):
            transaction.on_commit(lambda: seen.append("replica"), using="replica")
            transaction.on_commit(lambda: seen.append("primary"))
        self.assertEqual(seen, ["at once", "replica", "primary"])

    def test_a_thread(self):
        seen = []

        def read():
            try:
                seen.extend((is_replica("replica"), session("replica") == session("default")))
                Item.objects.using("replica").create(name="refused")
            except DatabaseError as error:
                seen.append("read-only" in str(error))
            finally:
                connections.close_all()

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        self.assertEqual(seen, [False, True, True])


class ViewSteps:
    """The requests of a browser on a site with replicas: GET, POST, the page after it, and the page of another browser."""

    databases = EVERY

    def get(self, **parameters):
        return self.client.get("/items/", parameters).json()

    def write(self, name):
        self.assertEqual(self.client.post("/items/", {"name": name}).status_code, 302)

    def assert_pinned(self):
        self.assertIn(self.get()["alias"], ("replica", "second"))
        self.write("posted")
        found = self.get()
        self.assertEqual((found["alias"], found["is_replica"], found["names"]), ("default", False, ["posted"]))
        self.client = self.client_class()
        found = self.get()
        self.assertIn(found["alias"], ("replica", "second"))
        self.assertEqual(found["is_replica"], not isinstance(self, TestCase))
        self.assertEqual(found["names"], ["posted"])

    @RANDOM
    def test_a_random_router(self):
        aliases = set()
        for number in range(20):
            item = Item.objects.create(name=f"item {number}")
            found = Item.objects.get(pk=item.pk)
            aliases.add(found._state.db)
            self.assertEqual(Item.objects.count(), number + 1)
            found.refresh_from_db()
            self.assertEqual(Item.objects.get_or_create(name=f"item {number}")[1], False)
            found.save()
            Item.objects.update_or_create(name=f"item {number}", defaults={"name": f"item {number}"})
        self.assertEqual(aliases, {"replica", "second"})
        Item.objects.get(name="item 0").delete()
        self.assertFalse(Item.objects.filter(name="item 0").exists())

    @PINNING
    def test_django_multidb_router(self):
        self.assert_pinned()

    @REPLICATED
    def test_django_replicated(self):
        self.assert_pinned()

    @REPLICATED
    def test_states_of_django_replicated(self):
        from django_replicated.utils import routers

        Item.objects.create(name="written")
        routers.init("slave")
        self.addCleanup(routers.reset)
        found = Item.objects.all()
        self.assertIn(found.db, ("replica", "second"))
        self.assertEqual(found.count(), 1)
        with self.assertRaisesMessage(RuntimeError, "slave state"):
            Item.objects.create(name="refused")
        routers.use_state("master")
        self.assertEqual(Item.objects.all().db, "default")
        routers.revert()


class SharedViewTests(ViewSteps, TestCase):
    pass


class CommittedViewTests(ViewSteps, TransactionTestCase):
    pass


class LiveTests(LiveServerTestCase):
    databases = EVERY

    def get(self, path="/items/"):
        with urllib.request.urlopen(self.live_server_url + path, timeout=20) as response:
            return json.load(response)

    def test_the_thread_reads_the_replica(self):
        for number in range(5):
            Item.objects.create(name=f"item {number}")
            found = self.get("/items/?using=replica")
            self.assertEqual((found["is_replica"], len(found["names"])), (True, number + 1))

    def test_the_test_reads_what_the_thread_wrote(self):
        data = urllib.parse.urlencode({"name": "posted"}).encode()
        with urllib.request.urlopen(f"{self.live_server_url}/items/", data, timeout=20) as response:
            self.assertEqual(json.load(response)["names"], ["posted"])
        self.assertEqual(Item.objects.using("second").get().name, "posted")

    @RANDOM
    def test_a_random_router(self):
        for number in range(10):
            Item.objects.create(name=f"item {number}")
            found = self.get()
            self.assertEqual((found["is_replica"], len(found["names"])), (True, number + 1))

    def test_an_async_view(self):
        self.assertEqual(self.get("/async/"), {"names": ["written by the view"], "count": 1})


@PINNING
class LivePinningTests(LiveTests):
    """The server's thread loads the middleware when the class begins."""

    def test_django_multidb_router(self):
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        data = urllib.parse.urlencode({"name": "posted"}).encode()
        with opener.open(f"{self.live_server_url}/items/", data, timeout=20) as response:
            self.assertEqual(json.load(response), {"alias": "default", "is_replica": False, "names": ["posted"]})
        found = self.get()
        self.assertEqual((found["is_replica"], found["names"]), (True, ["posted"]))


class LivePrimaryTests(LiveServerTestCase):
    databases = EVERY
    harness_mirrors = "primary"

    def test_the_thread_reads_the_primary(self):
        Item.objects.create(name="item")
        with urllib.request.urlopen(f"{self.live_server_url}/items/?using=replica", timeout=20) as response:
            self.assertEqual(json.load(response), {"alias": "replica", "is_replica": False, "names": ["item"]})
