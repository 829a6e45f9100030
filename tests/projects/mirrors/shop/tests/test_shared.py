"""A ``TestCase``: a mirror reads through its primary's connection, and no write goes through it."""

import asyncio
import threading

from asgiref.sync import async_to_sync, sync_to_async
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from shop import apps
from shop.models import Item, session

ON_REPLICA = Item.objects.using("replica")
IS_POSTGRESQL = connections["default"].vendor == "postgresql"


class Base(TestCase):
    databases = {"default", "replica"}

    @classmethod
    def setUpTestData(cls):
        Item.objects.bulk_create(Item(name=f"item {number}") for number in range(5))

    def rows(self, sql, params=None):
        with connections["replica"].cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())


class ReadTests(Base):
    def test_parameters_comments_and_percents(self):
        self.assertEqual(self.rows("SELECT CONCAT(CAST(%s AS char(1)), '%%') -- a comment", ["a"]), [("a%",)])
        self.assertEqual(self.rows("SELECT '%' -- a comment"), [("%",)])
        self.assertEqual(self.rows("/* first */ SELECT 1 /* last */"), [(1,)])
        self.assertEqual(self.rows("SELECT ';'"), [(";",)])

    def test_several_statements(self):
        self.assertEqual(self.rows("SELECT 1;"), [(1,)])

    def test_a_cursor_knows_its_result(self):
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT name AS first, id FROM shop_item ORDER BY id")
            self.assertEqual([column[0] for column in cursor.description], ["first", "id"])
            self.assertEqual(cursor.rowcount, 5)
            self.assertEqual(cursor.fetchone()[0], "item 0")
            self.assertEqual([row[0] for row in cursor.fetchmany(2)], ["item 1", "item 2"])
            self.assertEqual(len(list(cursor)), 2)

    def test_the_primary_can_write_after_a_read(self):
        list(ON_REPLICA.all())
        Item.objects.create(name="afterwards")
        if IS_POSTGRESQL:
            shown = connections["default"].connection.execute("SHOW transaction_read_only").fetchone()
            self.assertEqual(shown, ("off",))

    def test_other_ways_to_read(self):
        self.assertEqual([item.name for item in ON_REPLICA.raw("SELECT * FROM shop_item WHERE name = 'item 1'")], ["item 1"])
        self.assertEqual(len(ON_REPLICA.in_bulk()), 5)
        self.assertTrue(ON_REPLICA.explain())
        with connections["replica"].temporary_connection() as cursor:
            cursor.execute("SELECT 1")
            self.assertEqual(tuple(cursor.fetchone()), (1,))
        self.assertTrue(connections["replica"].is_usable())
        self.assertIn("shop_item", connections["replica"].introspection.table_names())

    def test_fails_and_shows_its_sql(self):
        self.rows("SELECT %s", ["its sql"])
        self.fail()


class CursorTests(Base):
    databases = {"default", "replica", "second"}

    def test_an_iterator_with_a_cursor_of_the_server(self):
        self.assertEqual(len(list(ON_REPLICA.iterator(chunk_size=2))), 5)

    def test_iterators_of_several_aliases_at_once(self):
        aliases = ("default", "replica", "second", "replica")
        iterators = [Item.objects.using(alias).order_by("id").iterator(chunk_size=1) for alias in aliases]
        for rows in zip(*iterators, strict=True):
            self.assertEqual(len({row.pk for row in rows}), 1)

    def test_a_chunked_cursor(self):
        with connections["replica"].chunked_cursor() as cursor:
            cursor.execute("SELECT name FROM shop_item ORDER BY id")
            self.assertEqual([row[0] for row in cursor.fetchmany(2)], ["item 0", "item 1"])
            Item.objects.create(name="meanwhile")
            self.assertEqual(len(cursor.fetchall()), 3)

    def test_one_session(self):
        self.assertEqual(len({session(alias) for alias in self.databases}), 1)


class TransactionTests(Base):
    def test_an_error_leaves_what_the_primary_wrote(self):
        Item.objects.create(name="kept")
        for _ in range(2):
            with self.assertRaises(DatabaseError):
                self.rows("SELECT no_such_column FROM shop_item")
            if IS_POSTGRESQL:
                with self.assertRaises(DatabaseError):
                    self.rows("SELECT 1 / 0")
        self.assertTrue(ON_REPLICA.filter(name="kept").exists())
        Item.objects.create(name="afterwards")

    def test_a_refused_write_inside_atomic(self):
        Item.objects.create(name="kept")
        with self.assertRaises(DatabaseError), transaction.atomic(using="replica"):
            ON_REPLICA.create(name="refused")
        with transaction.atomic(using="default"):
            self.assertEqual(ON_REPLICA.filter(name="kept").count(), 1)
            with transaction.atomic(using="replica"), transaction.atomic():
                Item.objects.create(name="inside")
                self.assertTrue(ON_REPLICA.filter(name="inside").exists())

    def test_a_rollback_of_the_primary_shows(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            Item.objects.create(name="undone")
            self.assertTrue(ON_REPLICA.filter(name="undone").exists())
            1 / 0
        self.assertFalse(ON_REPLICA.filter(name="undone").exists())

    def test_a_rollback_of_the_mirror_undoes_nothing_of_the_primary(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic(using="replica"):
            Item.objects.create(name="kept")
            1 / 0
        self.assertTrue(Item.objects.filter(name="kept").exists())
        self.assertTrue(ON_REPLICA.filter(name="kept").exists())

    def test_a_refused_write_that_is_caught_ends_the_mirrors_atomic_block_alone(self):
        with self.assertRaises(transaction.TransactionManagementError), transaction.atomic(using="replica"):
            with self.assertRaises(DatabaseError), transaction.atomic(using="replica", savepoint=False):
                ON_REPLICA.create(name="refused")
            ON_REPLICA.count()
        Item.objects.create(name="kept")
        self.assertEqual(ON_REPLICA.count(), 6)

    def test_after_an_error_of_the_primary_that_a_savepoint_undid(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Item.objects.create(name="item 0")
        self.assertEqual(ON_REPLICA.get(name="item 0").name, "item 0")

    def test_savepoints_of_either(self):
        of_primary = transaction.savepoint()
        Item.objects.create(name="undone")
        of_mirror = transaction.savepoint(using="replica")
        Item.objects.create(name="undone too")
        transaction.savepoint_rollback(of_mirror, using="replica")
        self.assertEqual(ON_REPLICA.filter(name__startswith="undone").count(), 2)
        transaction.savepoint_commit(transaction.savepoint(using="replica"), using="replica")
        transaction.savepoint_rollback(of_primary)
        self.assertEqual(ON_REPLICA.filter(name__startswith="undone").count(), 0)

    def test_durable_blocks(self):
        with transaction.atomic(using="replica", durable=True), transaction.atomic(durable=True):
            Item.objects.create(name="durable")
            self.assertTrue(ON_REPLICA.filter(name="durable").exists())
        with transaction.atomic(using="replica"), self.assertRaisesMessage(RuntimeError, "durable"):
            with transaction.atomic(using="replica", durable=True):
                pass


class OnCommitTests(Base):
    def test_callbacks_of_the_primary_read_the_mirror(self):
        seen = []
        with self.captureOnCommitCallbacks(execute=True):
            Item.objects.create(name="new")
            transaction.on_commit(lambda: seen.append(ON_REPLICA.filter(name="new").count()))
            self.assertEqual(seen, [])
        self.assertEqual(seen, [1])

    def test_callbacks_of_the_mirror_are_its_own(self):
        seen = []
        with self.captureOnCommitCallbacks(execute=True) as of_primary:
            with self.captureOnCommitCallbacks(using="replica", execute=True) as of_mirror:
                transaction.on_commit(lambda: seen.append(ON_REPLICA.count()), using="replica")
                transaction.on_commit(lambda: seen.append("primary"))
                self.assertEqual(seen, [])
            self.assertEqual(seen, [5])
        self.assertEqual(seen, [5, "primary"])
        self.assertEqual((len(of_primary), len(of_mirror)), (1, 1))

    def test_a_rollback_of_the_mirror_drops_its_callbacks_alone(self):
        seen = []
        with self.captureOnCommitCallbacks(execute=True), self.captureOnCommitCallbacks(using="replica", execute=True):
            with self.assertRaises(ZeroDivisionError), transaction.atomic(using="replica"):
                transaction.on_commit(lambda: seen.append("mirror"), using="replica")
                transaction.on_commit(lambda: seen.append("primary"))
                1 / 0
        self.assertEqual(seen, ["primary"])


class CountTests(Base):
    def test_queries_are_counted_once_and_as_they_are(self):
        with self.assertNumQueries(1, using="replica"):
            list(ON_REPLICA.all())
        with self.assertNumQueries(0, using="default"):
            list(ON_REPLICA.all())
        with CaptureQueriesContext(connections["replica"]) as captured:
            self.rows("SELECT %s", [1])
        self.assertEqual([query["sql"] for query in captured], ["SELECT 1"])

    def test_savepoints_are_counted_as_of_two_connections(self):
        with self.assertNumQueries(3, using="replica") as captured, self.assertNumQueries(0, using="default"):
            with transaction.atomic(using="replica"):
                ON_REPLICA.count()
        words = [query["sql"].split()[0] for query in captured]
        self.assertEqual(words, ["SAVEPOINT", "SELECT", "RELEASE"])

    def test_no_query_of_its_own_reads_what_the_server_is(self):
        with self.assertNumQueries(2, using="replica"), self.assertNumQueries(0, using="default"):
            list(ON_REPLICA.filter(name__regex="^item"))
            list(ON_REPLICA.filter(name__icontains="item"))

    def test_wrappers_see_statements_as_they_are(self):
        seen = []

        def wrapper(execute, sql, params, many, context):
            seen.append((context["connection"].alias, sql))
            return execute(sql, params, many, context)

        apps.SEEN.clear()
        with connections["replica"].execute_wrapper(wrapper):
            self.rows("SELECT 1")
        self.assertEqual(seen, [("replica", "SELECT 1")])
        self.assertEqual(apps.SEEN, ["SELECT 1"])


class ConnectionTests(Base):
    def test_after_a_close_of_the_mirror(self):
        connections["replica"].close()
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT 1")
        self.assertEqual(ON_REPLICA.count(), 5)
        connections["replica"].close_if_unusable_or_obsolete()
        self.assertEqual(ON_REPLICA.count(), 5)

    def test_a_copy_is_a_connection_of_the_backend(self):
        copied = connections["replica"].copy()
        self.assertIs(type(copied), type(connections["default"]))
        self.assertIsNone(copied.connection)

    def test_a_thread_that_shares_the_connection(self):
        connection, seen = connections["replica"], []
        connection.inc_thread_sharing()
        self.addCleanup(connection.dec_thread_sharing)

        def read():
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM shop_item")
                seen.append(cursor.fetchone()[0])

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        self.assertEqual(seen, [5])

    def test_a_thread_with_connections_of_its_own_sees_what_is_committed(self):
        seen = []

        def read():
            try:
                seen.extend(Item.objects.using(alias).count() for alias in ("default", "replica"))
                seen.append(session("default") == session("replica"))
                ON_REPLICA.create(name="refused")
            except DatabaseError as error:
                seen.append("read-only" in str(error))
            finally:
                connections.close_all()

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        self.assertEqual(seen, [0, 0, True, True])


class ClosedTests(Base):
    def test_close_all_ends_the_transaction_of_both(self):
        """As Django's documentation of tests has it for one alias: nothing can be read any more."""
        connections.close_all()
        for alias in ("default", "replica"):
            with self.assertRaises(Exception):  # noqa: B017 - each driver has an error of its own
                Item.objects.using(alias).count()


class AsyncTests(Base):
    async def test_queries(self):
        await Item.objects.acreate(name="async")
        self.assertTrue(await ON_REPLICA.filter(name="async").aexists())
        self.assertEqual(len([item async for item in ON_REPLICA.all()]), 6)
        await sync_to_async(lambda: self.assertEqual(ON_REPLICA.count(), 6))()
        counts = await asyncio.gather(*(ON_REPLICA.acount() for _ in range(5)))
        self.assertEqual(counts, [6] * 5)

    async def test_a_thread_of_its_own(self):
        def read():
            try:
                return Item.objects.count(), ON_REPLICA.count()
            finally:
                connections.close_all()

        self.assertEqual(await sync_to_async(read, thread_sensitive=False)(), (0, 0))

    async def test_an_async_view_by_the_async_client(self):
        found = (await self.async_client.get("/async/")).json()
        self.assertEqual((found["names"][-1], found["count"]), ("written by the view", 6))

    def test_an_async_view_by_the_client(self):
        found = self.client.get("/async/").json()
        self.assertEqual((found["names"][-1], found["count"]), ("written by the view", 6))

    def test_a_view(self):
        self.client.post("/items/", {"name": "posted"})
        found = self.client.get("/items/", {"using": "replica"}).json()
        self.assertEqual((found["names"][-1], found["is_replica"]), ("posted", False))


def execute_many():
    with connections["replica"].cursor() as cursor:
        cursor.executemany("INSERT INTO shop_item (name) VALUES (%s)", [["a"], ["b"]])


def execute(sql):
    with connections["replica"].cursor() as cursor:
        cursor.execute(sql)


def call_procedure():
    with connections["replica"].cursor() as cursor:
        cursor.callproc("shop_write")


async def save():
    await Item(name="refused").asave(using="replica")


WRITES = {
    "create": lambda: ON_REPLICA.create(name="refused"),
    "update": lambda: ON_REPLICA.update(name="refused"),
    "delete": lambda: ON_REPLICA.all().delete(),
    "bulk_create": lambda: ON_REPLICA.bulk_create([Item(name="refused")]),
    "get_or_create": lambda: ON_REPLICA.get_or_create(name="refused"),
    "save": lambda: Item(name="refused").save(using="replica"),
    "async_save": lambda: async_to_sync(save)(),
    "select_for_update": lambda: list(ON_REPLICA.select_for_update()),
    "executemany": execute_many,
    "second_statement": lambda: execute("SELECT 1; INSERT INTO shop_item (name) VALUES ('refused')"),
    "table": lambda: execute("CREATE TABLE refused (id int)"),
}
if IS_POSTGRESQL:
    WRITES |= {"sequence": lambda: execute("SELECT nextval('shop_item_id_seq')"), "procedure": call_procedure}
    FUNCTION = "CREATE FUNCTION shop_write() RETURNS bigint LANGUAGE sql AS $$"
    FUNCTION += "INSERT INTO shop_item (name) VALUES ('refused') RETURNING id $$"


class WriteTests(TestCase):
    databases = {"default", "replica"}

    def check(self, write):
        Item.objects.create(name="before")
        if IS_POSTGRESQL:
            with connections["default"].cursor() as cursor:
                cursor.execute(FUNCTION)
        with self.assertRaisesRegex(DatabaseError, "read-only"):
            write()
        self.assertEqual([item.name for item in Item.objects.all()], ["before"])


for name, write in WRITES.items():
    setattr(WriteTests, f"test_{name}_is_refused", lambda self, write=write: self.check(write))


class AloneTests(TestCase):
    databases = {"replica"}

    def test_it_reads(self):
        self.assertEqual(ON_REPLICA.count(), 0)
        connections["replica"].close()
        self.assertEqual(ON_REPLICA.count(), 0)

    def test_its_primary_is_denied(self):
        with self.assertRaisesMessage(AssertionError, "not allowed"):
            Item.objects.count()

    def test_writes_are_refused(self):
        with self.assertRaisesRegex(DatabaseError, "read-only"):
            ON_REPLICA.create(name="refused")


class AnyTests(ReadTests):
    databases = "__all__"
