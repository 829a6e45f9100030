"""The reports of ``--lag-check`` on real servers: the exit code, the summary, JUnit, annotations and ``summary.json`` agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from tests.e2e.command import Ended, harness
from tests.e2e.test_bad_input import make_project
from tests.e2e.test_routing import ROUTER, SETTINGS
from tests.files import write_files
from tests.junit_check import check

MODELS = """
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=20)


def rename(item, name):
    Item.objects.filter(pk=item.pk).update(name=name)
    return Item.objects.get(pk=item.pk).name
"""
TESTS = """
from django.test import TestCase, TransactionTestCase

from shop.models import Item, rename


class LateTests(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        self.item = Item.objects.create(name="old")

    def test_a_stale_name(self):
        self.assertEqual(rename(self.item, "new"), "new")

    def test_another_of_the_same_read(self):
        self.assertEqual(rename(self.item, "other"), "other")

    def test_of_set_up(self):
        self.assertEqual(Item.objects.get().name, "old")


class SharedTests(TestCase):
    databases = {"default", "replica"}

    def test_a_shared_connection(self):
        self.assertEqual(rename(Item.objects.create(name="old"), "new"), "new")
"""
LATE = "shop.tests.LateTests.test_a_stale_name"


@pytest.fixture
def run(tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]) -> Callable[..., Ended]:
    """Runs the project's tests on local servers with replicas that are late by 500 ms."""
    local_binaries("postgres")
    project = make_project(tmp_path / "project")
    write_files(project / "shop", {"models.py": MODELS, "routers.py": ROUTER, "tests.py": TESTS})
    with (project / "settings.py").open("a") as file:
        file.write(SETTINGS)

    def run(*arguments: str, **env: str) -> Ended:
        where = ("--project", str(project), "--servers", "local", "--parallel", "2", "--lag-check", "500ms")
        variables = {"HARNESS_CACHE": str(local_cache), **env}
        return harness(*where, *arguments, artifacts=tmp_path / "artifacts", env=variables)

    return run


def test_a_bug_is_in_each_report(run: Callable[..., Ended], tmp_path: Path) -> None:
    steps = tmp_path / "steps.md"
    ended = run("--fail-on-lag", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(steps))
    assert ended.code == 1, ended.output
    lines = [line.strip() for line in ended.out.splitlines()]
    assert "LATE READ shop/models.py:11 in rename" in lines
    assert f"tests    {LATE}, shop.tests.LateTests.test_another_of_the_same_read" in lines
    assert any(line.startswith("write    shop/models.py:10 in rename, 'default': UPDATE") for line in lines)
    assert any("'replica' (server replica, chosen by Router.db_for_read): SELECT" in line for line in lines)
    assert (
        "lag check   late by 500 ms: 3 tests that read a replica ran again: 1 read-after-write bug in 2 tests" in lines
    )
    assert any(line.startswith("1 test reads a mirror through its primary's connection") for line in lines)
    assert any(
        line.startswith("::error file=") and "shop/models.py,line=11,title=read-after-write bug in 2 tests" in line
        for line in lines
    )
    assert "### Read-after-write bugs (1)" in steps.read_text()
    counts = check(ended.artifacts / "junit.xml")
    assert (counts.total, counts.bad) == (4, 2)
    assert '<failure type="ReadAfterWrite"' in (ended.artifacts / "junit.xml").read_text()
    found = ended.summary["lag_check"]
    first, second = found["bugs"]
    assert (found["tests"], found["sharing"], found["unchecked"], found["complete"]) == (3, 1, [], True)
    assert (first["test"], first["write"]["line"], first["read"]["line"]) == (LATE, 10, 11)
    assert (first["read"]["server"], second["failure"]["type"]) == ("replica", "AssertionError")
    assert first["arrived_s"] > 0.3


def test_without_fail_on_lag_the_run_is_green(run: Callable[..., Ended]) -> None:
    ended = run("-q", "--junit-strict", LATE)
    assert ended.code == 0, ended.output
    passed, found = [line for line in ended.out.splitlines() if line.strip()]
    assert passed.startswith("PASSED      1 test: 1 passed")
    assert found.endswith("1 test that read a replica ran again: 1 read-after-write bug in 1 test")
    assert check(ended.artifacts / "junit.xml", strict=True).bad == 0
