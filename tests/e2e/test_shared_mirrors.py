"""A mirror in a ``TestCase`` reads through its primary's connection with whatever Django offers, and none of it writes.

Everywhere else it is connected to a real replica: with several replicas of a primary, a mirror of another alias, routers of
projects and of packages, views, live servers and threads. The tests that run are those of the project ``mirrors``.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from tests import mirror_runs
from tests.e2e.command import Ended
from tests.mirror_runs import RED, SHARED, TOPOLOGIES, red

MODES = """
from django.db import connections
from django.test import TestCase, TransactionTestCase

from harness.testing import mirrors
from shop.models import Item


class Base:
    databases = {"default", "replica"}

    def replicas(self):
        Item.objects.create(name="written")
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery(), (SELECT count(*) FROM shop_item)")
            return cursor.fetchone()


class PlainTests(Base, TestCase):
    def test_it_reads_a_mirror(self):
        self.replicas()

    @mirrors("primary")
    def test_marked_primary(self):
        self.assertEqual(self.replicas(), (False, 1))

    @mirrors("replica")
    def test_marked_replica(self):
        self.assertEqual(self.replicas(), (True, 0))

    def test_neither_rows_nor_connections_are_left(self):
        self.assertEqual(Item.objects.count(), 0)

    def test_no_read_of_a_mirror(self):
        Item.objects.create(name="written")


class CommittingTests(Base, TransactionTestCase):
    def test_it_reads_a_replica(self):
        self.assertEqual(self.replicas(), (True, 1))

    @mirrors("primary")
    def test_marked_primary(self):
        self.assertEqual(self.replicas(), (False, 1))


@mirrors("primary")
class PrimaryTests(Base, TestCase):
    def test_it(self):
        self.assertEqual(self.replicas(), (False, 1))

    @mirrors("strict")
    def test_marked_strict(self):
        with self.assertRaisesRegex(AssertionError, "mirrors strict"):
            self.replicas()


class AttributeTests(Base, TestCase):
    harness_mirrors = "replica"

    def test_it(self):
        self.assertEqual(self.replicas(), (True, 0))

    @mirrors("primary")
    def test_marked_primary(self):
        self.assertEqual(self.replicas(), (False, 1))
"""


@pytest.fixture
def run(tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]) -> Callable[..., Ended]:
    """Runs the project, or a text in place of its tests, on the servers of a kind."""
    project = tmp_path / "project"
    shutil.copytree(mirror_runs.PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))

    def run(*arguments: str, kind: str = "postgres", options: object = None, tests: str = "") -> Ended:
        if kind != "mysql":
            local_binaries(kind)
        if tests:
            (project / "shop" / "tests" / "test_text.py").write_text(tests)
        artifacts, cache = tmp_path / "artifacts", str(local_cache)
        return mirror_runs.run(kind, *arguments, artifacts=artifacts, cache=cache, project=project, options=options)

    return run


def assert_holds(ended: Ended) -> None:
    """The only red tests are those that fail to show their SQL, which has nothing of ours."""
    found = red(ended)
    assert (ended.code, {*found}) == (1, RED), found or ended.output
    sql = (ended.artifacts / "sql" / f"{SHARED}.ReadTests.test_fails_and_shows_its_sql.sql").read_text()
    assert "SELECT 'its sql'" in sql
    assert "SAVEPOINT harness" not in sql


@pytest.mark.parametrize("kind", ["postgres", "mariadb", pytest.param("mysql", marks=pytest.mark.docker)])
def test_mirrors_and_replicas_are_what_they_are_for(run: Callable[..., Ended], kind: str) -> None:
    ended = run(SHARED, TOPOLOGIES, "--parallel", "2", kind=kind)
    assert_holds(ended)
    assert Counter(server["role"] for server in ended.summary["servers"]) == {"primary": 2, "replica": 3}


@pytest.mark.parametrize("options", [{"server_side_binding": True}, {"prepare_threshold": 0}], ids=str)
def test_options_of_psycopg(run: Callable[..., Ended], options: object) -> None:
    assert_holds(run(SHARED, "--parallel", "1", options=options))


def test_pools_of_psycopg(run: Callable[..., Ended]) -> None:
    assert_holds(run(SHARED, TOPOLOGIES, "--parallel", "2", options={"pool": True}))


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_pytest(run: Callable[..., Ended], kind: str) -> None:
    words = ("--ds=settings", "-p", "django", "-o", "python_files=for_pytest.py", "-o", "django_find_project=false")
    ended = run("--framework", "pytest", "--parallel", "2", "shop/tests/for_pytest.py", "--", *words, kind=kind)
    assert (ended.code, red(ended)) == (0, {}), ended.output
    assert ended.summary["counts"]["passed"] == 16


def test_a_strict_run_refuses_a_mirror_in_a_testcase(run: Callable[..., Ended]) -> None:
    ended = run("shop.tests.test_text", "--mirrors", "strict", tests=MODES)
    ((test, message),) = red(ended).items()
    assert (ended.code, test) == (1, "shop.tests.test_text.PlainTests.test_it_reads_a_mirror"), ended.output
    assert "used the mirror 'replica' inside its transaction" in message
    assert "TransactionTestCase" in ended.out


def test_a_mark_that_is_no_mode_is_refused(run: Callable[..., Ended]) -> None:
    ended = run(
        "shop.tests.test_text", tests=f"{MODES}\n\nclass WrongTests(PlainTests):\n    harness_mirrors = 'replicas'\n"
    )
    assert ended.code == 4, ended.output
    assert "harness_mirrors of shop.tests.test_text.WrongTests is 'replicas'" in ended.out
    assert "auto, strict, primary, replica" in ended.out
