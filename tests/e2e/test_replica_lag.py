"""``--replica-lag``: the tests see real lag, and what their set-up wrote has always arrived."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from harness.protocol.events import ServerActionWanted
from harness.report.journal import read_journal
from harness.report.model.ledger import fold
from tests.e2e.command import ROOT, Ended, harness
from tests.e2e.test_bad_input import make_project
from tests.runner import test_pytest_databases
from tests.waiting import wait_for, wait_for_text

MODELS = """
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=50)
"""
BASE = """
import time

from django.db import connections
from django.test import TestCase, TransactionTestCase

from shop.models import Item


def on_replica(**fields):
    return Item.objects.using("replica").filter(**fields).exists()


class SetUpTests(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        Item.objects.create(name="set up")
        self.was_seen_in_set_up = on_replica(name="set up")

    def tearDown(self):
        self.assertEqual(on_replica(name="body"), Item.objects.filter(name="body").exists())

    def test_1_what_set_up_wrote_has_arrived(self):
        self.assertTrue(on_replica(name="set up"))
        self.assertTrue(self.was_seen_in_set_up)
        Item.objects.create(name="body")

    def test_2_what_the_last_test_wrote_is_flushed(self):
        self.assertEqual([item.name for item in Item.objects.using("replica").all()], ["set up"])


class DataTests(TestCase):
    databases = {"default", "replica"}

    @classmethod
    def setUpTestData(cls):
        Item.objects.create(name="data")

    def test_a_shared_connection_has_no_lag(self):
        Item.objects.create(name="written")
        self.assertTrue(on_replica(name="data"))
        self.assertTrue(on_replica(name="written"))

    def test_no_replica_is_used(self):
        Item.objects.create(name="written")


class AloneTests(TransactionTestCase):
    def test_no_replica_is_frozen_for_it(self):
        Item.objects.create(name="alone")
"""
DELAYED = """

class DelayedTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_a_read_at_once_misses_the_write(self):
        start = time.monotonic()
        Item.objects.create(name="late")
        was_seen = on_replica(name="late")
        if time.monotonic() - start < 0.45:  # else this process was held up for as long as the lag
            self.assertFalse(was_seen)
        while not on_replica(name="late"):
            time.sleep(0.01)
        self.assertGreater(time.monotonic() - start, 0.45)

    def test_fails_and_shows_the_servers(self):
        Item.objects.create(name="late")
        self.fail(f"seen: {on_replica(name='late')}")
"""
SLOT = """

class SlotTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_the_primary_keeps_its_log_for_the_replica(self):
        if connections["default"].vendor == "postgresql":
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_replication_slots WHERE temporary AND active")
                self.assertEqual(cursor.fetchone(), (1,))
"""
FROZEN = """

class FrozenTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_1_nothing_arrives(self):
        Item.objects.create(name="frozen")
        time.sleep(1.2)
        self.assertFalse(on_replica(name="frozen"))

    def test_2_it_arrives_after_the_test(self):
        self.assertFalse(on_replica(name="frozen"))
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM shop_item")
            self.assertEqual(cursor.fetchone(), (0,))


class KeptTests(TransactionTestCase):
    databases = {"default", "replica"}

    def _fixture_teardown(self):
        pass

    def test_1_writes(self):
        Item.objects.create(name="kept")
        self.assertFalse(on_replica(name="kept"))

    def test_2_sees_it(self):
        self.assertTrue(on_replica(name="kept"))
        Item.objects.all().delete()
        self.assertTrue(on_replica(name="kept"))
"""
NATURAL = """

class NaturalTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_a_write_arrives_soon(self):
        Item.objects.create(name="soon")
        until = time.monotonic() + 10
        while not on_replica(name="soon"):
            self.assertLess(time.monotonic(), until)

    def test_a_read_sends_nothing_to_wait(self):
        with self.assertNumQueries(1, using="replica"):
            on_replica(name="nothing")
"""
SLOW = """
import os
import time

from django.test import TransactionTestCase

from shop.models import Item


class SlowTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_it_waits(self):
        Item.objects.create(name="written")
        open(os.environ["BEGUN"], "w").close()
        time.sleep(60)
"""
SETTINGS = """
if "{backend}" == "mysql":
    import pymysql

    pymysql.install_as_MySQLdb()
INSTALLED_APPS = ["shop"]
MIGRATION_MODULES = {{"shop": None}}
DATABASES = {{
    name: {{
        "ENGINE": "django.db.backends.{backend}", "NAME": "shop", "USER": "shop", "HOST": name,
        "TEST": {{"MIRROR": "default"}} if name == "replica" else {{}},
    }}
    for name in ("default", "replica")
}}
"""
CASES = {"natural": NATURAL, "500ms": DELAYED + SLOT, "frozen": FROZEN + SLOT}
FAILS = "test_fails_and_shows_the_servers"
Project = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Makes a project with a replica: the text of its tests, and the backend of Django."""

    def make(tests: str, backend: str = "postgresql") -> Path:
        project = make_project(tmp_path / "project")
        (project / "shop" / "models.py").write_text(MODELS)
        (project / "shop" / "tests.py").write_text(tests)
        with (project / "settings.py").open("a") as file:
            file.write(SETTINGS.format(backend=backend))
        return project

    return make


def assert_as_expected(ended: Ended, lag: str) -> None:
    """Assert that all tests for *lag* have passed, but the one that is to fail."""
    assert ended.code == (1 if lag == "500ms" else 0), ended.output
    assert ended.report.workers == (1 if lag == "frozen" else 2)
    actions = Counter(
        envelope.event.action
        for envelope in read_journal(ended.artifacts / "journal.ndjson")
        if isinstance(envelope.event, ServerActionWanted)
    )
    # each body that is connected to a replica, and each worker at its start
    assert (actions["freeze"], actions["lag"]) == {"natural": (0, 0), "500ms": (0, 12), "frozen": (7, 0)}[lag]
    if lag == "500ms":
        assert "1 failed" in ended.out, ended.output
        sql = (ended.artifacts / "sql" / f"shop.tests.DelayedTests.{FAILS}.sql").read_text()
        assert "default (primary)" in sql
        assert "replica (replica)" in sql


@pytest.mark.parametrize("lag", CASES)
@pytest.mark.parametrize("db", ["postgres", "mariadb"])
def test_lag_with_local_servers(
    project: Project, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries], db: str, lag: str
) -> None:
    local_binaries(db)
    folder = project(BASE + CASES[lag], "postgresql" if db == "postgres" else "mysql")
    where = ("--project", str(folder), "--servers", "local", "--db", db, "--parallel", "2")
    env = {"HARNESS_CACHE": str(local_cache)}
    ended = harness(*where, "--replica-lag", lag, artifacts=tmp_path / "artifacts", env=env)
    assert_as_expected(ended, lag)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("db", "lag"), [("postgres", "500ms"), ("postgres", "frozen"), ("mysql", "500ms"), ("mysql", "frozen")]
)
def test_lag_with_containers(project: Project, tmp_path: Path, db: str, lag: str) -> None:
    folder = project(BASE + CASES[lag], "postgresql" if db == "postgres" else "mysql")
    where = ("--project", str(folder), "--servers", "docker", "--runner", "host", "--db", db, "--parallel", "2")
    assert_as_expected(harness(*where, "--replica-lag", lag, artifacts=tmp_path / "artifacts"), lag)


PYTEST = """
import pytest
from django.test import TransactionTestCase

from shop.models import Item

BOTH = pytest.mark.django_db(databases=["default", "replica"], transaction=True)


def on_replica(**fields):
    return Item.objects.using("replica").filter(**fields).exists()


@pytest.fixture
def item(transactional_db):
    return Item.objects.create(name="fixture")


@BOTH
def test_what_a_fixture_wrote_has_arrived(item):
    assert on_replica(name="fixture")
    Item.objects.create(name="body")
    assert not on_replica(name="body")


@BOTH
class TestStyle:
    @pytest.fixture(autouse=True)
    def item(self, transactional_db):
        Item.objects.create(name="autouse")

    def test_of_pytests_style(self):
        assert on_replica(name="autouse")
        Item.objects.create(name="body")
        assert not on_replica(name="body")


class TestsOfUnittest(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        Item.objects.create(name="set up")

    def test_it(self):
        self.assertTrue(on_replica(name="set up"))
        Item.objects.create(name="body")
        self.assertFalse(on_replica(name="body"))


@pytest.mark.django_db(databases=["default", "replica"])
def test_a_shared_connection_has_no_lag():
    Item.objects.create(name="shared")
    assert on_replica(name="shared")


def test_without_a_database():
    pass
"""


@pytest.mark.parametrize("lag", ["1s", "frozen"])
def test_lag_where_pytest_runs_the_tests(
    project: Project, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries], lag: str
) -> None:
    local_binaries("postgres")
    folder = project(PYTEST)
    (folder / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = settings\npython_files = tests.py\n")
    where = ("--project", str(folder), "--servers", "local", "--framework", "pytest", "--replica-lag", lag)
    (packages,) = Path(test_pytest_databases.python()).parents[1].glob("lib/*/site-packages")
    env = {"HARNESS_CACHE": str(local_cache), "PYTHONPATH": str(packages)}
    ended = harness(*where, artifacts=tmp_path / "artifacts", env=env)
    assert ended.code == 0, ended.output
    assert len(ended.outcomes) == 5


MARK = "what primaries send to their replicas"
"""Words in the command line of a proxy."""


def proxies_below(pid: int) -> list[int]:
    """The processes of proxies whose parent is *pid*."""
    found = []
    for name in (each.name for each in Path("/proc").iterdir() if each.name.isdecimal()):
        with contextlib.suppress(OSError, IndexError):
            parent = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()[1]
            if int(parent) == pid and MARK.encode() in Path("/proc", name, "cmdline").read_bytes():
                found.append(int(name))
    return found


@contextlib.contextmanager
def begun(folder: Path, artifacts: Path, local_cache: Path, lag: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run whose one test sleeps, and the process of its proxy."""
    flag = artifacts.parent / "begun"
    words = ("ci", "--artifacts", str(artifacts), "--project", str(folder), "--servers", "local", "--replica-lag", lag)
    env = {"HARNESS_CACHE": str(local_cache), "BEGUN": str(flag)}
    command = [sys.executable, "-m", "harness", *words]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        wait_for_text(flag)
        (proxy,) = proxies_below(run.pid)
        yield run, proxy


def test_a_proxy_that_dies_ends_the_run_with_one_cause(
    project: Project, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    with begun(project(SLOW), tmp_path / "artifacts", local_cache, "2s") as (run, proxy):
        os.kill(proxy, signal.SIGKILL)
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 3, out
    causes = [each for each in fold(read_journal(tmp_path / "artifacts" / "journal.ndjson")).aborts if not each.is_echo]
    assert ["proxy between the primaries" in cause.message for cause in causes] == [True], causes


def test_a_harness_that_is_killed_leaves_no_proxy(
    project: Project, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    with begun(project(SLOW), tmp_path / "artifacts", local_cache, "frozen") as (run, proxy):
        run.kill()
        wait_for(lambda: not Path("/proc", str(proxy)).exists(), "the proxy has ended")
