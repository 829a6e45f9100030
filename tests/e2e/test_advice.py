"""Advice on the aliases of a project: in ``harness plan``, and once at the end of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from tests.e2e.command import command, harness
from tests.e2e.test_bad_input import make_project

SETTINGS = """
INSTALLED_APPS = ["shop"]
MIGRATION_MODULES = {"shop": None}


def database(host, name="shop", **test):
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": "shop", "HOST": host, "TEST": test}


DATABASES = {
    "default": database("db"),
    "reader": database("db-2"),
    "shard": database("db-3"),
    "replica": database("db-4", MIRROR="default"),
    "far": database("db-5", MIRROR="replica"),
    "reports": database("db"),
    "users": database("db", "users", DEPENDENCIES=[]),
    "orders": database("db", "orders", DEPENDENCIES=["users", "default"]),
}
"""
MODELS = """
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=20)
"""
TESTS = """
from django.test import TestCase

from shop.models import Item


class AloneTests(TestCase):
    databases = {"replica"}

    def test_reads(self):
        self.assertEqual(Item.objects.using("replica").count(), 0)


class ShardTests(TestCase):
    databases = {"default", "shard", "orders", "reader"}

    def test_writes(self):
        Item.objects.using("shard").create(name="a")
        self.assertEqual(Item.objects.using("reader").count(), 0)
"""
READER = (
    "reader has the NAME and the ENGINE of default, and another host: is it a replica? Without MIRROR it gets a database of its"
    " own, in which no test sees the rows of default."
)
READER_WRITE = 'DATABASES["reader"]["TEST"] = {"MIRROR": "default"}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = make_project(tmp_path / "project")
    (project / "shop" / "models.py").write_text(MODELS)
    (project / "shop" / "tests.py").write_text(TESTS)
    with (project / "settings.py").open("a") as file:
        file.write(SETTINGS)
    return project


def test_a_plan_has_advice(project: Path) -> None:
    arguments = ("plan", "--runner", "host", "--servers", "local")
    ended = command(*arguments, cwd=project, artifacts=project.parent)
    assert ended.code == 0, ended.output
    lines = ended.out.splitlines()
    assert lines[lines.index(f"advice: {READER}") + 1] == f"  write: {READER_WRITE}"
    document = json.loads(command(*arguments, "--json", cwd=project, artifacts=project.parent).out)
    assert [(each["code"], each["alias"]) for each in document["advice"]] == [
        ("mirror-of-mirror", ""),
        ("same-database", "reports"),
        ("undeclared-replica", "reader"),
        ("undeclared-replica", "shard"),
    ]
    assert document["advice"][2] == {
        "code": "undeclared-replica",
        "text": READER,
        "write": READER_WRITE,
        "alias": "reader",
    }


def test_a_run_ends_with_the_advice_that_holds(
    project: Path, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    arguments = ("--project", str(project), "--servers", "local", "--parallel", "1")
    ended = harness(*arguments, artifacts=tmp_path / "artifacts", env={"HARNESS_CACHE": str(local_cache)})
    assert ended.code == 0, ended.output
    assert [(each.code, each.alias) for each in ended.report.advice] == [
        ("mirror-of-mirror", ""),
        ("same-database", "reports"),
        ("undeclared-replica", "reader"),
        ("mirror-alone", ""),
        ("dependency-unused", ""),
    ]
    assert ended.out.count(READER) == 1
    assert ended.out.index(READER) > ended.out.index("PASSED")
    assert "shop.tests.AloneTests: databases names the mirror replica without default" in ended.out
    assert 'databases = {"orders", "users"}' in ended.out
