"""Figures ``hit`` and ``migrations``: a second run, whose servers start with the migrated databases of the first one.

The project is generated: 300 migrations that make 100 tables, each with a key to the one before, a primary with its replica,
and a primary of its own for an app that is small. Each round has a cache of its own, in which its first run finds nothing; all
images are warm.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from ci.benchmark import scale
from ci.benchmark.empty import MANAGE
from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import DJANGO, PSYCOPG, ROOT, WORKERS, Ground, environment, harness_command
from ci.benchmark.race import Sides, timed
from harness.errors import HarnessError

Prepare = Callable[[Ground], AbstractContextManager[Sides]]
Summary = Mapping[str, Any]

MIGRATIONS = 300
SMALL_MIGRATIONS = 9
BACKENDS = ("postgres", "mysql", "mariadb", "local")
"""The engines in containers, and PostgreSQL without."""

SETTINGS = """\
import os

SECRET_KEY = "seeds"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "large", "small"]
DATABASE_ROUTERS = ["routers.Router"]


def entry(name, host, **test):
    engine = "django.db.backends.postgresql"
    return {"ENGINE": engine, "NAME": name, "USER": "seeds", "HOST": host, "TEST": test}


DATABASES = {
    "default": entry("large", "primary"),
    "replica": entry("large", "replica", MIRROR="default"),
    "catalog": entry("small", "catalog"),
}
"""
ROUTERS = """\
class Router:
    def db_for_read(self, model, **hints):
        return "catalog" if model._meta.app_label == "small" else "default"

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == "catalog") == (app_label == "small")
"""
TESTS = """\
from django.test import TestCase

from large.models import Table000
from small.models import Table000 as Small


class LargeTests(TestCase):
    databases = {"default", "replica"}

    def test_it(self):
        Table000.objects.create(name="x")
        self.assertEqual(Table000.objects.using("replica").count(), 1)


class SmallTests(TestCase):
    databases = {"catalog"}

    def test_it(self):
        self.assertEqual(Small.objects.count(), 0)
"""
_HEAD = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"


class Project:
    """The generated project, run on *backend*. ``first`` has to be called before ``again``."""

    def __init__(self, ground: Ground, backend: str) -> None:
        folder, self._artifacts, self._cache = (ground.work / f"seeds{end}" for end in ("", "-artifacts", "-cache"))
        scale.write(folder, files())
        where = ["--servers=local", "--runner=host", "--db=postgres"] if backend == "local" else [f"--db={backend}"]
        options = [f"--project={folder}", f"--parallel={WORKERS}", f"--artifacts={self._artifacts}"]
        self._command = harness_command(*where, *options)
        self._variables = environment(HARNESS_CACHE=str(self._cache))

    def first(self) -> Summary:
        """The summary of a run that finds nothing, once its databases are saved."""
        shutil.rmtree(self._cache, ignore_errors=True)
        summary = self.run("miss")
        self._wait()
        return summary

    def again(self) -> Summary:
        """The summary of a run that finds the databases of the first one."""
        return self.run("hit")

    def without_databases(self) -> Summary:
        """The summary of a run that finds what it knows of the last run, but no databases, once its own are saved."""
        for seed in self._cache.rglob("*.seed"):
            seed.unlink()
        summary = self.run("miss")
        self._wait()
        return summary

    def run(self, cache: str) -> Summary:
        """The summary of a run. Raises ``HarnessError`` unless its cache is said to be a *cache*."""
        _, output = timed(self._command, ROOT, self._variables)
        summary: Summary = json.loads((self._artifacts / "summary.json").read_bytes())
        if summary["cache"]["state"] != cache:
            raise HarnessError(f"The run was to be a {cache}.", hint=str(summary["cache"]), evidence=output[-2000:])
        return summary

    def _wait(self) -> None:
        timed([self._command[0], "cache", "--wait"], ROOT, self._variables)


def _on(backend: str) -> str:
    return " without Docker" if backend == "local" else f" of {backend}"


def _in_project(backend: str, ours: Callable[[Project], float], theirs: Callable[[Project], float]) -> Prepare:
    """Both sides, in the generated project after its first run."""

    @contextlib.contextmanager
    def prepare(ground: Ground) -> Iterator[Sides]:
        project = Project(ground, backend)
        project.first()
        yield Sides(lambda: ours(project), lambda: theirs(project))

    return prepare


def hit(backend: str) -> tuple[Comparison, Prepare]:
    """The figure of the databases of a run on a hit."""
    figure = Comparison(
        f"hit-{backend}",
        f"three servers{_on(backend)}, until a hit's databases and clones are there and the replica has them",
        "the same servers until they are ready, in a run that finds no databases",
        aim=Aim(more=0.3),
    )

    return figure, _in_project(
        backend, lambda run: databases_s(run.again()), lambda run: servers_s(run.without_databases())
    )


def migrations(backend: str) -> tuple[Comparison, Prepare]:
    """The figure of the time before the first test."""
    figure = Comparison(
        f"migrations-{backend}",
        f"a second run{_on(backend)} of a project with {MIGRATIONS} migrations, until its first test",
        "its first run",
        aim=Aim(ratio=0.25),
    )

    return figure, _in_project(
        backend, lambda run: before_tests_s(run.again()), lambda run: before_tests_s(run.first())
    )


FIGURES = (*map(hit, BACKENDS), *map(migrations, BACKENDS))


def servers_s(summary: Summary) -> float:
    """The seconds from the start of the servers until the last one is ready."""
    return max(float(server["ready_s"]) for server in summary["servers"])


def databases_s(summary: Summary) -> float:
    """The same, and the seconds of the templates and of the clones."""
    return servers_s(summary) + sum(float(summary["phases"][name]) for name in ("template", "clones"))


def before_tests_s(summary: Summary) -> float:
    """The seconds from the command until its first test."""
    return float(summary["waits"]["before_tests"]["total"])


def files() -> dict[str, str]:
    """The project's files by their path."""
    content = {"manage.py": MANAGE, "settings.py": SETTINGS, "routers.py": ROUTERS, "tests.py": TESTS}
    content |= {"requirements.txt": f"{DJANGO}\n{PSYCOPG}\n"}
    for app, count in (("large", MIGRATIONS), ("small", SMALL_MIGRATIONS)):
        content |= {f"{app}/__init__.py": "", f"{app}/migrations/__init__.py": "", f"{app}/models.py": _models(count)}
        for number in range(count):
            content[f"{app}/migrations/{number:04}_m.py"] = _migration(app, number)
    return content


def _migration(app: str, number: int) -> str:
    """Every third migration makes a table that refers to the one before; the two after it add a field and change it, and every
    tenth also fills a row.
    """
    needs = f"[({app!r}, '{number - 1:04}_m')]" if number else "[]"
    model, before = f"Table{number // 3:03}", f"Table{max(number // 3 - 1, 0):03}"
    operations = [
        (
            f"migrations.CreateModel({model!r}, fields=[('id', models.BigAutoField(primary_key=True)),"
            " ('name', models.CharField(max_length=100, unique=True)),"
            f" ('before', models.ForeignKey('{app}.{before}', models.CASCADE, null=True, related_name='+'))])",
            f"migrations.AddField({model!r}, 'number', models.IntegerField(default=1, db_index=True))",
            f"migrations.AlterField({model!r}, 'number', models.BigIntegerField(default=1, db_index=True))",
        )[number % 3]
    ]
    is_filled = number % 10 == 9
    if is_filled:
        operations.append("migrations.RunPython(fill)")
    fill = (
        "def fill(apps, schema_editor):\n"
        f"    model = apps.get_model({app!r}, {model!r})\n"
        "    model._base_manager.using(schema_editor.connection.alias).create(name='filled')\n\n\n"
    )
    head = _HEAD.replace("class Migration", f"{fill}class Migration")
    return (
        f"{head}    atomic = {not is_filled}\n    dependencies = {needs}\n    operations = [{', '.join(operations)}]\n"
    )


def _models(count: int) -> str:
    text = "from django.db import models\n"
    for number in range(count // 3):
        text += f"\n\nclass Table{number:03}(models.Model):\n    name = models.CharField(max_length=100, unique=True)\n"
        before = f"Table{max(number - 1, 0):03}"
        text += f"    before = models.ForeignKey('{before}', models.CASCADE, null=True, related_name='+')\n"
        text += "    number = models.BigIntegerField(default=1, db_index=True)\n"
    return text
