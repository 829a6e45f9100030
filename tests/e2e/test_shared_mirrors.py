"""A mirror in a ``TestCase``: reads through its primary's connection with whatever Django offers, and no write by any of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from tests.e2e.command import harness
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


@pytest.mark.parametrize("options", [{}, {"server_side_binding": True}, {"prepare_threshold": 0}], ids=str)
def test_a_mirror_shares_its_primarys_connection(
    tmp_path: Path, options: dict[str, object], local_cache: Path, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    project = make_project(tmp_path / "project")
    (project / "shop" / "models.py").write_text(MODELS)
    (project / "shop" / "tests.py").write_text(TESTS)
    with (project / "settings.py").open("a") as file:
        file.write(SETTINGS.format(options=options))
    arguments = ("--project", str(project), "--servers", "local", "--parallel", "1")
    ended = harness(*arguments, artifacts=tmp_path / "artifacts", env={"HARNESS_CACHE": str(local_cache)})
    cases = ET.parse(tmp_path / "artifacts" / "junit.xml").iter("testcase")
    red = [case.get("name") for case in cases if case.find("failure") is not None or case.find("error") is not None]
    assert (ended.code, red) == (1, ["test_fails_and_shows_its_sql"] * 2), ended.output
    sql = (tmp_path / "artifacts" / "sql" / "shop.tests.SharedTests.test_fails_and_shows_its_sql.sql").read_text()
    assert "SELECT 'its sql'" in sql
    assert "SAVEPOINT harness" not in sql
