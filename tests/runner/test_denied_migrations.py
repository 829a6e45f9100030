"""Migrations that the routers do not allow an alias: recorded as Django records them, without walking through each."""

import json
import os
import subprocess
from pathlib import Path

from harness.protocol.events import TemplateTimed
from tests.runner import random_migrations
from tests.runner.conversation import ROOT, MakeProject, RunTests

MIGRATIONS = 320
SETTINGS = """
SECRET_KEY = "x"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3"},
    "events": {"ENGINE": "django.db.backends.sqlite3"},
}
INSTALLED_APPS = ["django.contrib.contenttypes", "shop"]
DATABASE_ROUTERS = ["config.routers.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
ROUTERS = """
class Router:
    def allow_migrate(self, db, app_label, **hints):
        return db == "default"
"""
FIRST = """
from django.db import migrations, models

class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True))])]
"""
NEXT = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "{before}")]
    operations = [
        migrations.AddField("Order", "f{number}", models.IntegerField(default=0)),
        migrations.RemoveField("Order", "f{number}"),
    ]
"""
TESTS = """
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import TestCase

class Tests(TestCase):
    databases = "__all__"

    def test_the_alias_has_the_rows_and_no_table(self):
        rows = [list(MigrationRecorder.Migration.objects.using(alias).order_by("pk").values_list("pk", "app", "name"))
                for alias in ("default", "events")]
        self.assertEqual(rows[0], rows[1])
        self.assertIn("shop_order", connections["default"].introspection.table_names())
        self.assertEqual(connections["events"].introspection.table_names(), ["django_migrations"])
"""


def test_databases_and_signals_are_those_of_django(python: str, tmp_path: Path) -> None:
    seeds = len(random_migrations.ROUTERS)
    done = subprocess.run(
        [python, random_migrations.__file__, str(tmp_path), "0", str(seeds), "8"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found = {line["router"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert len(found) == seeds, done.stderr
    for name, line in found.items():
        assert line["same"], (name, line)
        assert line["failed"] == "", (name, line)
    assert {name for name, line in found.items() if line["recorded"]} >= {"Router", "OneApp", "Opposite"}
    assert found["Looking"]["recorded"] == found["Silent"]["recorded"] == 0


def test_an_alias_that_may_have_nothing_walks_through_none(project: MakeProject, run_project: RunTests) -> None:
    files = {"config/settings.py": SETTINGS, "config/routers.py": ROUTERS, "shop/tests.py": TESTS}
    before = "0001_initial"
    files[f"shop/migrations/{before}.py"] = FIRST
    for number in range(2, MIGRATIONS + 1):
        name = f"{number:04}_m"
        files[f"shop/migrations/{name}.py"] = NEXT.format(before=before, number=number)
        before = name
    folders = {Path(path).parent for path in files}
    files |= {f"{folder}/__init__.py": "" for folder in folders}
    project(files)
    journal = run_project(settings="config.settings")
    assert list(journal.outcomes().values()) == ["PASSED"], journal.ends
    (timed,) = journal.all(TemplateTimed)
    steps = [step.name for step in timed.steps if step.name.startswith("events: ")]
    assert steps == [f"events: {MIGRATIONS + 2} migrations that the routers do not allow", "events: database"]
