"""A mirror on its primary's own server: shared in a ``TestCase``, else a read-only connection of its own."""

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
"""
TESTS = """
import threading

from django.db import DatabaseError, connections, transaction
from django.test import TestCase, TransactionTestCase

from shop.models import Item

SESSION = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}


def session_of(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute(SESSION[connections[alias].vendor])
        return cursor.fetchone()[0]


class SharedTests(TestCase):
    databases = {"default", "replica"}

    def test_one_session(self):
        self.assertEqual(session_of("replica"), session_of("default"))


class OwnTests(TransactionTestCase):
    databases = {"default", "replica"}

    def assert_read_only(self):
        with self.assertRaisesRegex(DatabaseError, "(?i)read.only"):
            Item.objects.using("replica").create(name="refused")
        with self.assertRaisesRegex(DatabaseError, "(?i)read.only"), transaction.atomic("replica"):
            Item.objects.using("replica").create(name="refused")

    def test_1_a_session_of_its_own_that_reads(self):
        self.assertNotEqual(session_of("replica"), session_of("default"))
        Item.objects.create(name="committed")
        self.assertEqual(Item.objects.using("replica").count(), 1)
        with transaction.atomic():
            Item.objects.create(name="not committed")
            self.assertEqual(Item.objects.using("replica").count(), 1)
        self.assertEqual(Item.objects.using("replica").count(), 2)

    def test_2_writes_are_refused_after_each_connect(self):
        self.assert_read_only()
        connections["replica"].close()
        self.assert_read_only()

    def test_3_writes_of_a_thread_are_refused(self):
        errors = []

        def write():
            try:
                self.assert_read_only()
            except BaseException as error:
                errors.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        self.assertEqual(errors, [])

    def test_4_leaves_a_transaction_open(self):
        Item.objects.create(name="read")
        connections["replica"].set_autocommit(False)
        self.assertEqual(Item.objects.using("replica").count(), 1)

    def test_5_is_not_held_back_by_it(self):
        self.assertEqual(Item.objects.using("replica").count(), 0)


class SharedAgainTests(SharedTests):
    pass
"""
SETTINGS = """
MIGRATION_MODULES = {"shop": None}
DATABASES = {
    "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop", "HOST": "db"},
    "replica": {
        "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop", "HOST": "db", "TEST": {"MIRROR": "default"}
    },
}
import pymysql
pymysql.install_as_MySQLdb()
"""


@pytest.mark.parametrize("db", ["postgres", "mysql"])
def test_a_mirror_on_its_primarys_server(project: Path, tmp_path: Path, db: str) -> None:  # noqa: F811 - the fixture
    (project / "shop" / "models.py").write_text(MODELS)
    (project / "shop" / "tests.py").write_text(TESTS)
    with (project / "settings.py").open("a") as file:
        file.write(SETTINGS)
    arguments = ("--project", str(project), "--db", db, "--runner", "host", "--parallel", "1")
    ended = harness(*arguments, artifacts=tmp_path / "artifacts")
    assert ended.code == 0, ended.output
    assert ended.summary["counts"]["passed"] == 7
