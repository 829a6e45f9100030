"""How the tables are emptied after a ``TransactionTestCase`` on PostgreSQL: what is left is what Django's way leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import harness
from tests.e2e.test_bad_input import project  # noqa: F401 - a fixture

pytestmark = pytest.mark.docker

MODELS = """
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=20)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT)


class Line(models.Model):
    item = models.ForeignKey(Item, on_delete=models.PROTECT)
"""
TESTS = """
from unittest import mock

from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import SimpleTestCase, TransactionTestCase

from shop.models import Item, Line


def ask(question):
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def do(statements):
    with connection.cursor() as cursor:
        cursor.execute(statements)


def statements():
    return "; ".join(connection.ops.sql_flush(no_style(), ["shop_item", "shop_line"]))


class Base(TransactionTestCase):
    databases = {"default", "replica"}
    files = []

    def statements_after_a_test(self):
        found = []
        with mock.patch("django.test.testcases.call_command", lambda *_args, **_options: found.append(statements())):
            self._fixture_teardown()
        return found[0]

    def write(self, count=3):
        self.assertEqual((Item.objects.count(), Line.objects.count()), (0, 0))
        self.assertEqual(Item.objects.using("replica").count(), 0)
        self.files.append(ask("SELECT pg_relation_filenode('shop_item')"))
        item = Item.objects.create(name="first")
        Item.objects.bulk_create(Item(name="child", parent=item) for _ in range(count))
        Line.objects.create(item=item)


class FewRowsTests(Base):
    files = []

    def test_1_writes(self):
        self.write()

    def test_2_finds_nothing_in_the_same_files(self):
        self.write()
        self.assertEqual(len(set(self.files)), 1)

    def test_3_sequences_go_on(self):
        self.assertGreater(Item.objects.create(name="next").pk, 8)

    def test_4_what_a_trigger_would_forbid(self):
        do("CREATE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'forbidden'; END$$;"
           " CREATE TRIGGER forbid BEFORE DELETE ON shop_item FOR EACH ROW EXECUTE FUNCTION forbid()")
        self.write()
        with self.assertRaisesMessage(Exception, "forbidden"), transaction.atomic():
            do("DELETE FROM shop_line; DELETE FROM shop_item")

    def test_5_is_gone_and_the_trigger_is_not(self):
        self.write()
        with self.assertRaisesMessage(Exception, "forbidden"), transaction.atomic():
            do("DELETE FROM shop_line; DELETE FROM shop_item")
        do("DROP TRIGGER forbid ON shop_item")


class ManyRowsTests(Base):
    files = []

    def test_1_writes(self):
        self.write(2000)

    def test_2_finds_nothing_in_new_files(self):
        self.write()
        self.assertEqual(len(set(self.files)), 2)


class SequencesTests(Base):
    reset_sequences = True

    def test_1_begins_with_one(self):
        self.assertEqual(Item.objects.create(name="a").pk, 1)

    def test_2_does_too(self):
        self.assertEqual(Item.objects.create(name="a").pk, 1)


class TruncateTriggerTests(Base):
    files = []

    def test_1_writes(self):
        do("CREATE TABLE told (at timestamptz DEFAULT now());"
           "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS"
           " $$BEGIN INSERT INTO told DEFAULT VALUES; RETURN NULL; END$$;"
           "CREATE TRIGGER tell AFTER TRUNCATE ON shop_item EXECUTE FUNCTION tell()")
        self.write()

    def test_2_it_ran(self):
        self.write()
        self.assertEqual(ask("SELECT count(*) FROM told"), 1)
        do("DROP TRIGGER tell ON shop_item; DROP TABLE told")


class RuleTests(Base):
    def test_1_writes_where_nothing_is_deleted(self):
        do("CREATE RULE kept AS ON DELETE TO shop_item DO INSTEAD NOTHING;"
           "ALTER TABLE shop_item ENABLE ALWAYS RULE kept")
        self.write()

    def test_2_finds_nothing(self):
        self.write()
        do("DROP RULE kept ON shop_item")


class TriggerThatNothingTurnsOffTests(Base):
    def test_1_writes(self):
        do("CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;"
           "CREATE TRIGGER kept BEFORE DELETE ON shop_item FOR EACH ROW EXECUTE FUNCTION kept();"
           "ALTER TABLE shop_item ENABLE ALWAYS TRIGGER kept")
        self.write()

    def test_2_finds_nothing(self):
        self.write()
        do("DROP TRIGGER kept ON shop_item")


class HeirTests(Base):
    files = []

    def test_1_writes(self):
        do("CREATE TABLE heir () INHERITS (shop_item)")
        self.write()
        do("INSERT INTO heir VALUES (100000, 'heir', NULL)")

    def test_2_finds_nothing_in_new_files(self):
        self.write()
        self.assertEqual(ask("SELECT count(*) FROM heir"), 0)
        self.assertEqual(len(set(self.files)), 2)
        do("DROP TABLE heir")


class OrdinaryUserTests(Base):
    def test_an_ordinary_user_cannot_turn_triggers_off(self):
        Item.objects.create(name="first")
        self.assertIn("DELETE", self.statements_after_a_test())
        do("CREATE ROLE ordinary; GRANT ALL ON shop_item, shop_line TO ordinary; SET ROLE ordinary")
        self.assertIn("TRUNCATE", self.statements_after_a_test())
        do("RESET ROLE; DROP OWNED BY ordinary; DROP ROLE ordinary")


class NowAndThenTests(Base):
    def test_the_files_are_made_anew_now_and_then(self):
        said = [self.statements_after_a_test() for _ in range(100)]
        self.assertEqual(sum("TRUNCATE" in each for each in said), 1)


class OwnCallTests(Base):
    def test_a_test_gets_the_statements_of_django(self):
        Item.objects.create(name="first")
        self.assertEqual(statements(), 'TRUNCATE "shop_item", "shop_line";')
        self.assertIn("DELETE", self.statements_after_a_test())
        self.assertEqual(statements(), 'TRUNCATE "shop_item", "shop_line";')

    def test_a_stand_in_of_a_test_stays(self):
        with mock.patch.object(connection.ops, "sql_flush", return_value=["of the test"]):
            self.assertEqual(self.statements_after_a_test(), "of the test")


class NoDatabaseTests(SimpleTestCase):
    def test_the_statements_need_no_connection(self):
        self.assertEqual(statements(), 'TRUNCATE "shop_item", "shop_line";')


class OutsideTests(Base):
    def test_a_table_that_nobody_empties_is_not_left_dangling(self):
        do("CREATE TABLE outside (item bigint REFERENCES shop_item)")
        item = Item.objects.create(name="kept")
        do(f"INSERT INTO outside VALUES ({item.pk})")

    def _fixture_teardown(self):
        from django.core.management.base import CommandError
        with self.assertRaisesMessage(CommandError, "couldn't be flushed"):
            super()._fixture_teardown()
        self.assertEqual(Item.objects.count(), 1)
        do("DROP TABLE outside")
        super()._fixture_teardown()
        self.assertEqual(Item.objects.count(), 0)
"""


SETTINGS = """
MIGRATION_MODULES = {"shop": None}
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop"}
DATABASES = {
    "default": {**POSTGRES, "HOST": "db1"},
    "replica": {**POSTGRES, "HOST": "db2", "TEST": {"MIRROR": "default"}},
}
"""


def test_what_is_left_is_what_django_leaves(project: Path, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    (project / "shop" / "models.py").write_text(MODELS)
    (project / "shop" / "tests.py").write_text(TESTS)
    with (project / "settings.py").open("a") as file:
        file.write(SETTINGS)
    ended = harness("--project", str(project), "--runner", "host", "--parallel", "1", artifacts=tmp_path / "artifacts")
    assert ended.code == 0, ended.output
    assert ended.summary["counts"]["passed"] == 23
