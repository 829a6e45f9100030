"""A mirror in a ``TestCase``: reads through its primary's connection with whatever Django offers, and no write by any of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from tests.e2e.command import Ended, harness
from tests.e2e.test_bad_input import make_project

MODELS = """
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=20)
"""
TESTS = """
import asyncio
import threading

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection, connections, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from shop.models import Item

ON_REPLICA = Item.objects.using("replica")


class SharedTests(TestCase):
    databases = {"default", "replica"}

    @classmethod
    def setUpTestData(cls):
        Item.objects.bulk_create(Item(name=f"item {number}") for number in range(5))

    def rows(self, sql, params=None):
        with connections["replica"].cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()

    def test_parameters_comments_and_percents(self):
        self.assertEqual(self.rows("SELECT %s::text || '%%' -- a comment", ["a"]), [("a%",)])
        self.assertEqual(self.rows("SELECT '%' -- a comment"), [("%",)])
        self.assertEqual(self.rows("/* first */ SELECT 1 /* last */"), [(1,)])
        self.assertEqual(self.rows("SELECT ';'"), [(";",)])

    def test_several_statements(self):
        self.assertEqual(self.rows("SELECT 1;"), [(1,)])

    def test_a_cursor_knows_its_result(self):
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT name AS first, id FROM shop_item ORDER BY id")
            self.assertEqual([column.name for column in cursor.description], ["first", "id"])
            self.assertEqual(cursor.rowcount, 5)
            self.assertEqual(cursor.fetchone()[0], "item 0")
            self.assertEqual([row[0] for row in cursor.fetchmany(2)], ["item 1", "item 2"])
            self.assertEqual(len(list(cursor)), 2)

    def test_an_iterator_with_a_cursor_of_the_server(self):
        self.assertEqual(len(list(ON_REPLICA.iterator(chunk_size=2))), 5)

    def test_an_error_leaves_what_the_primary_wrote(self):
        Item.objects.create(name="kept")
        for _ in range(2):
            with self.assertRaises(DatabaseError):
                self.rows("SELECT no_such_column FROM shop_item")
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

    def test_the_primary_can_write_after_a_read(self):
        list(ON_REPLICA.all())
        Item.objects.create(name="afterwards")
        self.assertEqual(connection.connection.execute("SHOW transaction_read_only").fetchone(), ("off",))

    def test_a_rollback_of_the_primary_shows(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            Item.objects.create(name="undone")
            self.assertTrue(ON_REPLICA.filter(name="undone").exists())
            1 / 0
        self.assertFalse(ON_REPLICA.filter(name="undone").exists())

    def test_on_commit(self):
        seen = []
        with self.captureOnCommitCallbacks(execute=True):
            Item.objects.create(name="new")
            transaction.on_commit(lambda: seen.append(ON_REPLICA.filter(name="new").count()))
        self.assertEqual(seen, [1])

    def test_queries_are_counted_once_and_as_they_are(self):
        with self.assertNumQueries(1, using="replica"):
            list(ON_REPLICA.all())
        with self.assertNumQueries(0, using="default"):
            list(ON_REPLICA.all())
        with CaptureQueriesContext(connections["replica"]) as captured:
            self.rows("SELECT %s", [1])
        self.assertEqual([query["sql"] for query in captured], ["SELECT 1"])

    def test_after_close_all(self):
        connections["replica"].close()
        self.assertEqual(ON_REPLICA.count(), 5)

    async def test_async(self):
        await Item.objects.acreate(name="async")
        self.assertTrue(await ON_REPLICA.filter(name="async").aexists())
        self.assertEqual(len([item async for item in ON_REPLICA.all()]), 6)
        await sync_to_async(lambda: self.assertEqual(ON_REPLICA.count(), 6))()

    def test_fails_and_shows_its_sql(self):
        self.rows("SELECT %s", ["its sql"])
        self.fail()


def execute_many():
    with connections["replica"].cursor() as cursor:
        cursor.executemany("INSERT INTO shop_item (name) VALUES (%s)", [["a"], ["b"]])


def execute(sql):
    with connections["replica"].cursor() as cursor:
        cursor.execute(sql)


WRITES = {
    "create": lambda: ON_REPLICA.create(name="refused"),
    "update": lambda: ON_REPLICA.update(name="refused"),
    "delete": lambda: ON_REPLICA.all().delete(),
    "bulk_create": lambda: ON_REPLICA.bulk_create([Item(name="refused")]),
    "get_or_create": lambda: ON_REPLICA.get_or_create(name="refused"),
    "save": lambda: Item(name="refused").save(using="replica"),
    "select_for_update": lambda: list(ON_REPLICA.select_for_update()),
    "executemany": execute_many,
    "sequence": lambda: execute("SELECT nextval('shop_item_id_seq')"),
    "second_statement": lambda: execute("SELECT 1; INSERT INTO shop_item (name) VALUES ('refused')"),
    "table": lambda: execute("CREATE TABLE refused (id int)"),
}


class WriteTests(TestCase):
    databases = {"default", "replica"}

    def check(self, write):
        Item.objects.create(name="before")
        with self.assertRaisesRegex(DatabaseError, "read-only"):
            write()
        self.assertEqual([item.name for item in Item.objects.all()], ["before"])


for name, write in WRITES.items():
    setattr(WriteTests, f"test_{name}_is_refused", lambda self, write=write: self.check(write))


class AloneTests(TestCase):
    databases = {"replica"}

    def test_it_reads(self):
        self.assertEqual(ON_REPLICA.count(), 0)


class AnyTests(SharedTests):
    databases = "__all__"
"""
MODES = """
from django.db import connections
from django.test import TestCase, TransactionTestCase

from harness.testing import mirrors
from shop.models import Item


class Base:
    databases = {"default", "replica"}

    def replicas(self):
        Item.objects.create(name="written")
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery(), (SELECT count(*) FROM shop_item)")
            return cursor.fetchone()


class PlainTests(Base, TestCase):
    def test_it_reads_a_mirror(self):
        self.replicas()

    @mirrors("primary")
    def test_marked_primary(self):
        self.assertEqual(self.replicas(), (False, 1))

    @mirrors("replica")
    def test_marked_replica(self):
        self.assertEqual(self.replicas(), (True, 0))

    def test_neither_rows_nor_connections_are_left(self):
        self.assertEqual(Item.objects.count(), 0)

    def test_no_read_of_a_mirror(self):
        Item.objects.create(name="written")


class CommittingTests(Base, TransactionTestCase):
    def test_it_reads_a_replica(self):
        self.assertEqual(self.replicas(), (True, 1))

    @mirrors("primary")
    def test_marked_primary(self):
        self.assertEqual(self.replicas(), (False, 1))


@mirrors("primary")
class PrimaryTests(Base, TestCase):
    def test_it(self):
        self.assertEqual(self.replicas(), (False, 1))

    @mirrors("strict")
    def test_marked_strict(self):
        with self.assertRaisesRegex(AssertionError, "mirrors strict"):
            self.replicas()


class AttributeTests(Base, TestCase):
    harness_mirrors = "replica"

    def test_it(self):
        self.assertEqual(self.replicas(), (True, 0))

    @mirrors("primary")
    def test_marked_primary(self):
        self.assertEqual(self.replicas(), (False, 1))
"""
SETTINGS = """
INSTALLED_APPS = ["shop"]
MIGRATION_MODULES = {{"shop": None}}
DATABASES = {{
    name: {{
        "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop", "HOST": name, "OPTIONS": {options},
        "TEST": {{"MIRROR": "default"}} if name == "replica" else {{}},
    }}
    for name in ("default", "replica")
}}
"""


@pytest.fixture
def run(tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]) -> Callable[..., Ended]:
    """Runs tests on local servers: the text of their module, the databases' ``OPTIONS``, and arguments."""
    local_binaries("postgres")

    def run(tests: str, *arguments: str, options: dict[str, object] | None = None) -> Ended:
        project = make_project(tmp_path / "project")
        (project / "shop" / "models.py").write_text(MODELS)
        (project / "shop" / "tests.py").write_text(tests)
        with (project / "settings.py").open("a") as file:
            file.write(SETTINGS.format(options=options or {}))
        where = ("--project", str(project), "--servers", "local", "--parallel", "1")
        return harness(*where, *arguments, artifacts=tmp_path / "artifacts", env={"HARNESS_CACHE": str(local_cache)})

    return run


def red(ended: Ended) -> dict[str, str]:
    """The message of each red test by its name."""
    cases = ET.parse(ended.artifacts / "junit.xml").iter("testcase")
    return {
        f"{case.get('classname')}.{case.get('name')}": each.get("message", "")
        for case in cases
        for each in (*case.iter("failure"), *case.iter("error"))
    }


@pytest.mark.parametrize("options", [{}, {"server_side_binding": True}, {"prepare_threshold": 0}], ids=str)
def test_a_mirror_shares_its_primarys_connection(run: Callable[..., Ended], options: object) -> None:
    ended = run(TESTS, options=options)
    name = "test_fails_and_shows_its_sql"
    assert (ended.code, {*red(ended)}) == (1, {f"shop.tests.{cls}.{name}" for cls in ("SharedTests", "AnyTests")})
    sql = (ended.artifacts / "sql" / f"shop.tests.SharedTests.{name}.sql").read_text()
    assert "SELECT 'its sql'" in sql
    assert "SAVEPOINT harness" not in sql


def test_a_strict_run_refuses_a_mirror_in_a_testcase(run: Callable[..., Ended]) -> None:
    ended = run(MODES, "--mirrors", "strict")
    ((test, message),) = red(ended).items()
    assert (ended.code, test) == (1, "shop.tests.PlainTests.test_it_reads_a_mirror"), ended.output
    assert "used the mirror 'replica' inside its transaction" in message
    assert "TransactionTestCase" in ended.out


def test_a_mark_that_is_no_mode_is_refused(run: Callable[..., Ended]) -> None:
    ended = run(f"{MODES}\n\nclass WrongTests(PlainTests):\n    harness_mirrors = 'replicas'\n")
    assert ended.code == 4, ended.output
    assert "harness_mirrors of shop.tests.WrongTests is 'replicas'" in ended.out
    assert "auto, strict, primary, replica" in ended.out
