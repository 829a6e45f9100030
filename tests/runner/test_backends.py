"""Database backends of a project's own: one that imports models, and one whose creation of the test database fails."""

import pytest

from harness.protocol.events import TopologyFound
from tests.runner.conversation import MakeProject, RunTests

BACKEND = """
from django.contrib.contenttypes.models import ContentType  # noqa: F401 - its import is what is tested
from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    pass
"""
TEST = """
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.test import TestCase

class Tests(TestCase):
    def test_one(self):
        self.assertEqual(type(connections["default"]).__module__, "backend.base")
        ContentType.objects.create(app_label="a", model="b")
"""
SETTINGS = """
INSTALLED_APPS = ["django.contrib.contenttypes", "shop"]
DATABASES["default"]["ENGINE"] = DATABASES["default"]["ENGINE"].replace("django.db.backends.sqlite3", "backend")
DATABASES["other"] = dict(DATABASES["default"])
"""
APP = """
import os

from django.apps import AppConfig
from django.db import DatabaseError, connection


class Shop(AppConfig):
    name = "shop"

    def ready(self):
        print("loaded")
"""
CONNECTS = """
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        open("connected", "a").write("x")
"""
FILES = {"backend/__init__.py": "", "backend/base.py": BACKEND, "tests.py": TEST, "shop/__init__.py": ""}


@pytest.mark.parametrize("ready", ["", CONNECTS], ids=["", "connects as it is loaded"])
def test_a_backend_that_imports_models_runs(project: MakeProject, run_project: RunTests, ready: str) -> None:
    folder = project({**FILES, "shop/apps.py": APP + ready}, SETTINGS)
    journal = run_project("tests")
    assert journal.outcomes() == {"Tests.test_one": "PASSED"}, journal.stderr
    assert {alias.vendor for alias in journal.one(TopologyFound).topology.aliases} == {"sqlite"}
    assert journal.stderr.count("loaded") == 1  # the fork that reads the vendor says nothing
    if ready:
        assert (folder / "connected").read_text() == "x"  # and connects to nothing


@pytest.mark.parametrize(
    ("ready", "reason"),
    [("        raise KeyError('licence')", "KeyError: 'licence'"), ("        os._exit(7)", "ended with status 7")],
)
def test_apps_that_cannot_be_loaded_for_a_backend(
    project: MakeProject, run_project: RunTests, ready: str, reason: str
) -> None:
    project({**FILES, "shop/apps.py": APP + ready}, SETTINGS)
    journal = run_project("tests")
    assert journal.status == 4
    assert journal.aborted.message.startswith("The backend 'backend' imports models, and the project's apps cannot be")
    assert reason in journal.aborted.message
    assert "manage.py check" in journal.aborted.hint
    assert "KeyError" not in reason or "apps.py" in journal.aborted.evidence


EXITS = """
import sys

from django.db.backends.sqlite3 import base, creation


class DatabaseCreation(creation.DatabaseCreation):
    def _create_test_db(self, *args, **kwargs):  # as Django's own of PostgreSQL and MySQL end
        try:
            raise RuntimeError("the reason why")
        except Exception as error:
            self.log(f"Got an error creating the test database: {error}")
            sys.exit(2)


class DatabaseWrapper(base.DatabaseWrapper):
    creation_class = DatabaseCreation
"""


def test_an_exit_of_django_is_reported_with_its_cause(project: MakeProject, run_project: RunTests) -> None:
    project({**FILES, "backend/base.py": EXITS}, SETTINGS)
    journal = run_project("tests")
    assert journal.status == 4
    assert journal.aborted.message == "The test databases could not be set up: RuntimeError: the reason why"
    assert "base.py" in journal.aborted.evidence
    assert "above" not in journal.aborted.hint


EXITING_MIGRATION = """
import sys

from django.db import migrations

class Migration(migrations.Migration):
    operations = [migrations.RunPython(lambda *_: sys.exit("no licence"))]
"""


def test_an_exit_of_a_migration_is_reported_with_its_name(project: MakeProject, run_project: RunTests) -> None:
    files = {"shop/migrations/__init__.py": "", "shop/migrations/0001_x.py": EXITING_MIGRATION, "tests.py": TEST}
    project({"shop/__init__.py": "", **files}, 'INSTALLED_APPS = ["django.contrib.contenttypes", "shop"]')
    aborted = run_project("tests").aborted
    assert aborted.message == "Migration shop.0001_x failed: SystemExit: no licence"
    assert "0001_x.py" in aborted.evidence
