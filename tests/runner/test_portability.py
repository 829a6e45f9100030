"""Features of PostgreSQL in a project that is tested on another engine: each is named, in short."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.protocol.messages import Route, RunSpec
from tests.runner.conversation import Journal, MakeProject, run

NO_DRIVER = "import sys\nsys.modules['psycopg'] = sys.modules['psycopg2'] = None\n"
POSTGRES = "DATABASES['default'] = {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop', 'HOST': 'db'}\n"
INSTALLED = "INSTALLED_APPS = ['shop']\n"
MODELS = """
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

class Item(models.Model):
    tags = ArrayField(models.CharField(max_length=20))
    class Meta:
        app_label = "shop"
        indexes = [GinIndex(fields=["tags"], name="by_tags")]
"""
VECTOR = """
from django.contrib.postgres.search import SearchVectorField
from django.db import models

class Item(models.Model):
    found_by = SearchVectorField(null=True)
    class Meta:
        app_label = "shop"
"""
PLAIN = """
from django.db import models

class Item(models.Model):
    class Meta:
        app_label = "shop"
"""
TESTS = """
from django.db import connection, connections
from django.test import TestCase

class Tests(TestCase):
    databases = "__all__"

    def test_one(self):
        from shop.models import Item
        Item.objects.create()
        self.assertEqual(connection.vendor, "sqlite")
"""
WITHOUT_TABLE = TESTS.replace("Item.objects.create()", "Item")


def on_sqlite(folder: Path, *aliases: str) -> Journal:
    """The journal of *folder*'s project, whose aliases the host brings to SQLite."""
    mirrors = {"replica": "default"}
    names = aliases or ("default",)
    routes = [Route(name, None, "django.db.backends.sqlite3", "", mirror_of=mirrors.get(name)) for name in names]
    return run(folder, RunSpec(labels=("tests",), settings="settings", workers=1), routes=routes)


@pytest.fixture
def shop(project: MakeProject) -> Callable[..., Path]:
    def make(models: str, settings: str, **files: dict[str, str] | None) -> Path:
        return project({"shop/__init__.py": "", "shop/models.py": models, "tests.py": TESTS, **files}, settings)

    return make


def test_fields_and_indexes_that_need_postgresql_are_named(shop: Callable[..., Path]) -> None:
    journal = on_sqlite(shop(MODELS, INSTALLED + POSTGRES))
    assert journal.status == 4
    assert journal.aborted.message == (
        "shop.Item.tags (ArrayField), shop.Item: by_tags (GinIndex): needs PostgreSQL,"
        " and 'default' is tested on sqlite."
    )
    assert "--db default=postgres" in journal.aborted.hint
    assert journal.aborted.evidence == ""


def test_models_that_say_so_themselves_are_left_out(shop: Callable[..., Path]) -> None:
    models = MODELS.replace("indexes =", 'required_db_vendor = "postgresql"\n        indexes =')
    assert on_sqlite(shop(models, INSTALLED + POSTGRES, **{"tests.py": WITHOUT_TABLE})).status == 0


def test_a_project_on_sqlite_by_its_own_settings_is_left_alone(shop: Callable[..., Path]) -> None:
    assert on_sqlite(shop(VECTOR, INSTALLED, **{"tests.py": WITHOUT_TABLE})).status == 0
    assert on_sqlite(shop(VECTOR, INSTALLED + POSTGRES, **{"tests.py": WITHOUT_TABLE})).status == 4


@pytest.mark.parametrize("apps", ["INSTALLED_APPS = ['django.contrib.postgres', 'shop']\n", INSTALLED])
def test_an_import_of_postgresqls_driver_is_named_in_short(shop: Callable[..., Path], apps: Any) -> None:
    models = MODELS if apps == INSTALLED else PLAIN
    journal = on_sqlite(shop(models, NO_DRIVER + apps + POSTGRES))
    assert journal.status == 4
    what = "shop/models.py, line 2" if apps == INSTALLED else "django.contrib.postgres in INSTALLED_APPS"
    assert what in journal.aborted.message
    assert "needs PostgreSQL" in journal.aborted.message
    assert "psycopg[binary]" in journal.aborted.hint
    assert len(journal.aborted.evidence.splitlines()) < 5


REPLICA_AND_OTHER = """
DATABASES["replica"] = {**DATABASES["default"], "HOST": "r", "TEST": {"MIRROR": "default"}}
DATABASES["other"] = {**DATABASES["default"], "NAME": "other", "OPTIONS": {"pool": True}, "TEST": {"NAME": "x"}}
"""
MORE_TESTS = """
        self.assertEqual(Item.objects.using("replica").count(), 1)
        self.assertEqual(Item.objects.using("other").count(), 0)
"""


def test_a_postgresql_project_runs_in_memory(shop: Callable[..., Path]) -> None:
    folder = shop(PLAIN, INSTALLED + POSTGRES + REPLICA_AND_OTHER, **{"tests.py": TESTS + MORE_TESTS})
    there = {path.name for path in folder.iterdir()}
    journal = on_sqlite(folder, "default", "replica", "other")
    assert journal.outcomes() == {"Tests.test_one": "PASSED"}, journal.stderr
    assert {path.name for path in folder.iterdir()} - there <= {"__pycache__"}


def test_who_connects_before_the_tests_makes_no_file(shop: Callable[..., Path]) -> None:
    models = PLAIN + "from django.db import connection\nconnection.cursor().execute('SELECT 1')\n"
    folder = shop(models, INSTALLED + POSTGRES)
    assert on_sqlite(folder).status == 0
    assert [path.name for path in folder.iterdir() if path.is_file() and path.suffix != ".py"] == []


def test_mysqls_driver_is_named_with_its_alternative(project: MakeProject) -> None:
    folder = project({"MySQLdb.py": "raise ImportError('not here')"})
    route = Route("default", "default", "django.db.backends.mysql", "shop")
    journal = run(folder, RunSpec(settings="settings", workers=1), routes=[route])
    assert journal.status == 4
    assert 'extra_install = ["mysqlclient"]' in journal.aborted.hint
