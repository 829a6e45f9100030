"""Writes through a mirror: refused as by a replica, however they are sent, with the line of the project's code that sent them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from tests.e2e.command import Ended, harness
from tests.e2e.test_bad_input import make_project

SETTINGS = """
import pymysql
pymysql.version_info = (2, 2, 8, "final", 0)
pymysql.install_as_MySQLdb()
INSTALLED_APPS = ["shop"]
DATABASES = {{
    name: {{
        "ENGINE": "django.db.backends.{engine}", "NAME": "shop", "USER": "shop", "HOST": name,
        "TEST": {{"MIRROR": "default"}} if name == "replica" else {{}},
    }}
    for name in ("default", "replica")
}}
"""
MODELS = """
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=20)
"""
MIGRATION = """
from django.db import migrations, models

PROGRAMS = {{
    "postgresql": [
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM shop_item'",
        "CREATE FUNCTION add_item() RETURNS bigint LANGUAGE sql AS 'INSERT INTO shop_item (name) VALUES (1) RETURNING id'",
        "CREATE PROCEDURE add_one() LANGUAGE sql AS 'INSERT INTO shop_item (name) VALUES (1)'",
    ],
    "mysql": [
        "CREATE PROCEDURE add_one(IN n INT) BEGIN IF n > 0 THEN INSERT INTO shop_item (name) VALUES ('a'); END IF; END",
        "CREATE PROCEDURE outer_add() CALL add_one(1)",
        "CREATE PROCEDURE total() SELECT count(*) FROM shop_item",
        "CREATE PROCEDURE report() BEGIN"
        " CREATE TEMPORARY TABLE seen (name varchar(20)); INSERT INTO seen SELECT name FROM shop_item;"
        " SELECT count(*) FROM seen; DROP TEMPORARY TABLE seen; END",
        "CREATE PROCEDURE prepared() BEGIN"
        " PREPARE s FROM 'SELECT count(*) FROM shop_item'; EXECUTE s; DEALLOCATE PREPARE s; END",
        "CREATE FUNCTION add_item() RETURNS int DETERMINISTIC BEGIN INSERT INTO shop_item (name) VALUES ('b'); RETURN 1; END",
        "CREATE FUNCTION doubled(a int) RETURNS int DETERMINISTIC RETURN 2 * a",
    ],
}}


def make_programs(apps, schema_editor):
    for sql in PROGRAMS[schema_editor.connection.vendor]:
        schema_editor.execute(sql)


class Migration(migrations.Migration):
    atomic = False
    operations = [
        migrations.CreateModel(
            "Item", [("id", models.AutoField(primary_key=True)), ("name", models.CharField(max_length=20))]
        ),
        migrations.RunPython(make_programs),
    ]
""".replace("{{", "{").replace("}}", "}")
VIEWS = """
from shop.models import Item


def create(request):
    Item.objects.using("replica").create(name="refused")
"""
TESTS = """
from django.db import DatabaseError, connections
from django.test import TestCase, TransactionTestCase

from shop.models import Item
from shop.views import create

VENDOR = connections["default"].vendor
Error = connections["default"].Database.Error


def rows(sql):
    with connections["replica"].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def callproc(name, *arguments):
    with connections["replica"].cursor() as cursor:
        cursor.callproc(name, arguments)
        return cursor.fetchall()


def copy(sql, data=None):
    with connections["replica"].cursor() as cursor, cursor.copy(sql) as copying:
        if data is None:
            return b"".join(copying)
        copying.write(data)


REFUSED = {
    "postgresql": {
        "function": lambda: rows("SELECT add_item()"),
        "call": lambda: rows("CALL add_one()"),
        "callproc": lambda: callproc("add_item"),
        "copy": lambda: copy("COPY shop_item (name) FROM STDIN", "a\\n"),
        "sequence": lambda: rows("SELECT nextval(pg_get_serial_sequence('shop_item', 'id'))"),
        "for_update": lambda: rows("SELECT * FROM shop_item FOR UPDATE"),
        "for_share": lambda: rows("SELECT * FROM shop_item FOR SHARE"),
        "temporary_table": lambda: rows("CREATE TEMPORARY TABLE t (a int)"),
        "merge": lambda: rows(
            "MERGE INTO shop_item USING (SELECT 1) AS one ON false WHEN NOT MATCHED THEN INSERT (name) VALUES ('a')"
        ),
        "with": lambda: rows("WITH new AS (INSERT INTO shop_item (name) VALUES ('a') RETURNING id) SELECT * FROM new"),
        "block": lambda: rows("DO $$ BEGIN DELETE FROM shop_item; END $$"),
    },
    "mysql": {
        "function": lambda: rows("SELECT add_item()"),
        "function_in_where": lambda: rows("SELECT * FROM shop_item WHERE ADD_ITEM() = 1"),
        "call": lambda: rows("CALL add_one(1)"),
        "nested_call": lambda: rows("call `outer_add`()"),
        "callproc": lambda: callproc("add_one", 1),
        "for_update": lambda: rows("SELECT * FROM shop_item FOR UPDATE"),
    },
}[VENDOR]
PASSES = {
    "postgresql": {
        "function": lambda: rows("SELECT total()"),
        "callproc": lambda: callproc("total"),
        "copy": lambda: [(int(copy("COPY (SELECT count(*) FROM shop_item) TO STDOUT")),)],
        "advisory_lock": lambda: rows("SELECT count(*) FROM shop_item, pg_advisory_xact_lock(1)"),
    },
    "mysql": {
        "call": lambda: rows("CALL total()"),
        "callproc": lambda: callproc("total"),
        "temporary_table": lambda: rows("CALL report()"),
        "prepared": lambda: rows("CALL prepared()"),
        "function": lambda: rows("SELECT doubled(count(*)) DIV 2 FROM shop_item"),
    },
}[VENDOR]


class Base:
    databases = {"default", "replica"}

    def refuse(self, write):
        Item.objects.create(name="before")
        # Django passes on what the driver raises in COPY
        with self.assertRaisesRegex((DatabaseError, Error), "(?i)read-only|recovery") as caught:
            write()
        self.assertEqual([item.name for item in Item.objects.all()], ["before"])
        if isinstance(caught.exception, DatabaseError):
            self.assertIn("Sent by shop/tests.py:", "".join(caught.exception.__notes__))

    def read(self, read):
        Item.objects.create(name="before")
        self.assertEqual([tuple(row) for row in read()], [(1,)])


for name, write in REFUSED.items():
    setattr(Base, f"test_{name}_is_refused", lambda self, write=write: self.refuse(write))
for name, read in PASSES.items():
    setattr(Base, f"test_{name}_reads", lambda self, read=read: self.read(read))


class SharedTests(Base, TestCase):
    pass


class ReplicaTests(Base, TransactionTestCase):
    pass


class BlamedTests(TestCase):
    databases = {"default", "replica"}

    def test_view(self):
        create(None)

    def test_raised_from_it(self):
        try:
            create(None)
        except DatabaseError as error:
            raise ValueError("a wrapper") from error

    async def test_async(self):
        await Item.objects.using("replica").acreate(name="refused")


class BlamedOnReplicaTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_view(self):
        create(None)
"""
ASYNC_LINE = next(number for number, line in enumerate(TESTS.splitlines(), 1) if "acreate" in line)
BACKENDS = {"postgres": "postgresql", "mariadb": "mysql", "mysql": "mysql"}


@pytest.fixture
def run(tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]) -> Callable[[str], Ended]:
    """Runs the tests on a primary and a replica of an engine, as a job of GitHub's would; MySQL's are containers."""

    def run(product: str) -> Ended:
        is_local = product != "mysql"
        if is_local:
            local_binaries(product)
        project = make_project(tmp_path / "project")
        for name, text in {
            "models": MODELS,
            "views": VIEWS,
            "tests": TESTS,
            "migrations/0001_initial": MIGRATION,
        }.items():
            (project / "shop" / f"{name}.py").write_text(text)
        with (project / "settings.py").open("a") as file:
            file.write(SETTINGS.format(engine=BACKENDS[product]))
        where = ("--project", str(project), "--runner", "host", "--parallel", "1", "--db", product)
        env = {"HARNESS_CACHE": str(local_cache), "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(project)}
        return harness(
            *where, "--servers", "local" if is_local else "docker", artifacts=tmp_path / "artifacts", env=env
        )

    return run


@pytest.mark.parametrize("product", ["postgres", "mariadb", pytest.param("mysql", marks=pytest.mark.docker)])
def test_writes_are_refused_and_blamed_on_their_line(run: Callable[[str], Ended], product: str) -> None:
    ended = run(product)
    red = {case.test.id.removeprefix("shop.tests."): case for case in ended.report.red}
    assert {*red} == {
        *(f"BlamedTests.test_{name}" for name in ("view", "raised_from_it", "async")),
        "BlamedOnReplicaTests.test_view",
    }, ended.output
    for name, case in red.items():
        (failure,) = case.red_attempts[-1].failures
        assert failure.blamed is not None
        is_async = name.endswith("async")
        place = ("shop/tests.py", ASYNC_LINE) if is_async else ("shop/views.py", 6)
        assert (failure.blamed.file, failure.blamed.line) == place
        assert "Refused: 'replica' is a mirror of 'default'" in failure.traceback
        assert f"file={place[0]},line={place[1]}" in ended.out
    assert "Sent by shop/views.py:6 in create: INSERT INTO" in ended.out.partition("::error")[0]
    cases = ET.parse(ended.artifacts / "junit.xml").iter("testcase")
    texts = ["".join(each.itertext()) for case in cases for each in case.iter("error")]
    assert sum("Sent by shop/views.py:6 in create: INSERT INTO" in text for text in texts) == 3
