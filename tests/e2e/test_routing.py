"""The routing report on real servers: where statements went, each kind of finding, and none for tests that are right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.host.local.binaries import Binaries
from tests.e2e.command import Ended, harness
from tests.e2e.test_bad_input import make_project
from tests.files import write_files

MODELS = """
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=20)


class Sale(models.Model):
    item = models.ForeignKey(Item, models.CASCADE)
"""
SETTINGS = """
INSTALLED_APPS = ["shop"]
MIGRATION_MODULES = {"shop": None}
DATABASE_ROUTERS = ["shop.routers.Router"]
DATABASES = {
    name: {
        "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop", "HOST": name,
        "TEST": {"MIRROR": "default"} if name in ("replica", "spare") else {},
    }
    for name in ("default", "replica", "spare", "other")
}
"""
ROUTER = """
class Router:
    \"\"\"Reads go to the replica.\"\"\"

    def db_for_read(self, model, instance=None, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, *args, **hints):
        return True
"""
CLEAN = """
from django.test import TestCase, TransactionTestCase

from shop.models import Item, Sale


class RightTests(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        Item.objects.create(name="of set-up")

    def test_set_up_is_read(self):
        self.assertEqual(Item.objects.filter(sale=None).count(), 1)

    def test_the_primary_is_read(self):
        item = Item.objects.create(name="written")
        self.assertEqual(Item.objects.using("default").get(pk=item.pk), item)


class SharedTests(TestCase):
    databases = {"default", "replica"}

    @classmethod
    def setUpTestData(cls):
        Item.objects.create(name="of the class")

    def test_1_the_class_is_read(self):
        self.assertEqual(Item.objects.get().name, "of the class")

    def test_2_no_read(self):
        Item.objects.create(name="alone")


class AllTests(TestCase):
    databases = "__all__"

    def test_1(self):
        pass


class SameTests(AllTests):
    pass
"""
TESTS = """
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from shop.models import Item, Sale


class WriteTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_reads_what_it_wrote(self):
        Item.objects.create(name="written")
        self.assertEqual(Item.objects.count(), 1)

    def test_reads_other_rows(self):
        Item.objects.create(name="written")
        self.assertEqual(Sale.objects.count(), 0)


class WriteInTestCaseTests(TestCase):
    databases = {"default", "replica"}

    async def test_reads_what_it_wrote(self):
        await Item.objects.acreate(name="written")
        self.assertEqual(await Item.objects.acount(), 1)


class UnreadTests(TestCase):
    databases = {"default", "replica"}

    def test_1(self):
        Item.objects.create(name="written")

    def test_2(self):
        pass

    def test_3_is_skipped(self):
        self.skipTest("for a reason")


class CrossedTests(TransactionTestCase):
    databases = {"default", "replica", "other"}

    def test_reads_the_replica(self):
        with transaction.atomic():
            self.assertFalse(Item.objects.exists())
            Item.objects.create(name="written")

    def test_writes_on_both(self):
        with transaction.atomic():
            Item.objects.create(name="written")
            Item.objects.using("other").create(name="written")

    def test_is_right(self):
        with transaction.atomic():
            Item.objects.create(name="written")
        with transaction.atomic():
            self.assertFalse(Item.objects.using("other").exists())
        self.assertFalse(Sale.objects.exists())
"""


@pytest.fixture
def run(tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]) -> Callable[..., Ended]:
    """Runs tests on local servers: the text of their module, and arguments."""
    local_binaries("postgres")

    def run(tests: str, *arguments: str) -> Ended:
        project = make_project(tmp_path / "project")
        write_files(project / "shop", {"models.py": MODELS, "routers.py": ROUTER, "tests.py": tests})
        with (project / "settings.py").open("a") as file:
            file.write(SETTINGS)
        where = ("--project", str(project), "--servers", "local", "--parallel", "2")
        return harness(*where, *arguments, artifacts=tmp_path / "artifacts", env={"HARNESS_CACHE": str(local_cache)})

    return run


def routing(ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ended.artifacts / "summary.json").read_text())["routing"]
    return found


def test_each_kind_of_finding(run: Callable[..., Ended]) -> None:
    ended = run(TESTS)
    assert ended.code == 0, ended.output
    found = routing(ended)
    servers = {(use["alias"], use["role"]): (use["server"], use["reads"], use["writes"]) for use in found["aliases"]}
    assert servers == {
        ("default", "primary"): ("default", 0, 7),
        ("other", "primary"): ("other", 1, 1),
        ("replica", "primary"): ("default", 1, 0),
        ("replica", "replica"): ("replica", 4, 0),
    }
    assert {"model": "shop.Sale", "table": "shop_sale", "alias": "replica", "server": "replica", "role": "replica",
            "reads": 2, "writes": 0} in found["models"]  # fmt: skip
    assert {(each["test"].removeprefix("shop.tests."), *each["tables"]) for each in found["read_after_write"]} == {
        ("WriteTests.test_reads_what_it_wrote", "shop_item"),
        ("WriteTests.test_reads_other_rows",),
        ("WriteInTestCaseTests.test_reads_what_it_wrote", "shop_item"),
        ("CrossedTests.test_is_right",),
    }
    assert found["declared_unread"] == [{"owner": "shop.tests.UnreadTests", "alias": "replica", "tests": 2}]
    crossed = [
        (each["test"].rpartition(".")[2], each["transaction"], each["other"]) for each in found["crossed_transactions"]
    ]
    assert sorted(crossed) == [
        ("test_reads_the_replica", "default", "replica"),
        ("test_writes_on_both", "default", "other"),
    ]
    assert (found["unread_mirrors"], found["left_out"], found["complete"]) == (["spare"], 0, True)
    assert "routing     default on default (primary): 0 reads, 7 writes" in ended.out
    assert "4 tests read the mirror 'replica' after a write to 'default', 2 of them to the same table" in ended.out


def test_tests_that_are_right(run: Callable[..., Ended]) -> None:
    ended = run(CLEAN)
    assert ended.code == 0, ended.output
    found = routing(ended)
    assert (found["read_after_write"], found["declared_unread"], found["crossed_transactions"]) == ([], [], [])
    assert found["unread_mirrors"] == ["spare"]
