"""Tests that disturb servers: what they meet, that they run alone, and that the next test finds every server as it was."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from harness.protocol.events import AttemptFinished, Notice
from harness.report.journal import read_journal
from tests.e2e.command import PROJECTS, ROOT, Ended, environment, harness
from tests.runner import test_pytest_databases

ENGINES = {"postgres": "postgresql", "mariadb": "mysql", "mysql": "mysql"}
OF_MARIADB = (
    "a_primary_that_hangs",
    "orders_wait_for_a_primary_that_is_down",
    "a_replica_takes_over",
    "a_late_replica_and_a_frozen_one",
)
LEFT_DISTURBED = """
import os
import time

from django.test import SimpleTestCase, TransactionTestCase

from harness.testing import TopologyError, topology
from shop.models import Order


class ATests(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        self.topology = topology()
        Order.objects.create(number="first")
        self.assertEqual(Order.objects.using("replica").count(), 1)

    def test_a_crash(self):
        self.topology.primary().pause()
        os._exit(3)

    def test_b_timeout(self):
        self.topology.replica("replica").pause()
        self.topology.primary().stop()
        time.sleep(60)

    def test_c_error(self):
        self.topology.primary().stop()
        Order.objects.create(number="second")

    def test_d_last(self):
        pass


class BTests(SimpleTestCase):
    databases = {"default"}

    def test_a_no_fixture_of_a_database(self):
        topology().primary().pause()


class CTests(TransactionTestCase):
    @classmethod
    def setUpClass(cls):
        try:
            topology()
        except TopologyError as error:
            cls.error = str(error)
        super().setUpClass()

    def test_a_class_cannot_be_alone(self):
        self.assertIn("setUpClass", self.error)
"""

LOST_AFTERWARDS = """
import os
import time
from pathlib import Path

from django.db import connection
from django.test import TransactionTestCase

from harness.testing import topology


class LostTests(TransactionTestCase):
    def test_a_pause(self):
        topology().primary().pause()
        topology().primary().resume()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone()
        type(self).server = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        time.sleep(0.5)  # the servers are put right meanwhile
        os.kill(cls.server, 9)
        time.sleep(20)
"""

IN_A_RUN_WITH_LAG = """
import time

from django.db import connections
from django.test import TransactionTestCase

from harness.testing import topology
from shop.models import Order


def on_replica():
    return set(Order.objects.using("replica").values_list("number", flat=True))


def arrival_s(number):
    begin = time.monotonic()
    Order.objects.create(number=number)
    while number not in on_replica():
        time.sleep(0.01)
        assert time.monotonic() < begin + 10
    return time.monotonic() - begin


class Base(TransactionTestCase):
    databases = {"default", "replica"}

    def setUp(self):
        self.topology = topology()
        Order.objects.create(number="first")


class InTheBodyTests(Base):
    def test_the_lag_is_the_one_that_the_test_asks_for(self):
        Order.objects.create(number="early")
        replica = self.topology.replica("replica")
        replica.lag("100ms")
        self.assertEqual(on_replica(), {"first", "early"})
        self.assertGreater(arrival_s("second"), 0.09)
        replica.freeze()
        Order.objects.create(number="third")
        time.sleep(0.3)
        self.assertNotIn("third", on_replica())

    def test_a_replica_follows_a_primary_that_starts_again(self):
        primary = self.topology.primary()
        primary.stop()
        primary.start()
        connections["default"].close()
        arrival_s("second")


class InSetUpTests(Base):
    def setUp(self):
        super().setUp()
        self.topology.replica("replica").freeze()
        Order.objects.create(number="second")
        self.topology.primary().stop()

    def test_the_body_does_not_wait(self):
        self.assertEqual(on_replica(), {"first"})
"""

PYTEST_INI = "[pytest]\nDJANGO_SETTINGS_MODULE = config.settings\npython_files = tests.py\n"
PYTEST = """
import pytest
from django.test import TransactionTestCase

from harness.testing import topology
from shop.failover import answers
from shop.models import Order

BOTH = pytest.mark.django_db(databases=["default", "replica"], transaction=True)


def on_replica():
    return set(Order.objects.using("replica").values_list("number", flat=True))


@pytest.fixture
def servers(transactional_db):
    return topology()


@BOTH
def test_a_function(servers):
    Order.objects.create(number="first")
    servers.primary().pause()
    assert not answers("default")


@BOTH
def test_b_finds_servers_as_they_were():
    Order.objects.create(number="second")
    assert on_replica() == {"second"}


@BOTH
class TestStyle:
    def test_a_method(self):
        topology().replica("replica").stop()
        assert not answers("replica")

    def test_b_is_put_right(self):
        topology()
        assert answers("replica")
        assert on_replica() == set()


class TestsOfUnittest(TransactionTestCase):
    databases = {"default", "replica"}

    def test_promoted(self):
        topology().replica("replica").promote()
        Order.objects.using("replica").create(number="third")
        assert on_replica() == {"third"}


def test_outside():
    topology()
"""


@pytest.fixture
def run(tmp_path: Path, local_cache: Path) -> Callable[..., Ended]:
    """Runs tests of the project on an engine, with local servers or in containers; its tests may be others."""

    def run(db: str, *arguments: str, tests: str = "", servers: str = "local", packages: Path | None = None) -> Ended:
        project = tmp_path / "project"
        shutil.copytree(PROJECTS / "failover", project)
        if tests:
            (project / "shop" / "tests.py").write_text(tests)
        if packages is not None:
            (project / "pytest.ini").write_text(PYTEST_INI)
        where = ("--project", str(project), "--db", db, "--servers", servers, "--runner", "host", "--parallel", "2")
        env = environment(FAILOVER_ENGINE=ENGINES[db], HARNESS_CACHE=str(local_cache))
        env |= {"PYTHONPATH": str(packages)} if packages is not None else {}
        return harness(*where, *arguments, artifacts=tmp_path / "artifacts", env=env)

    return run


@pytest.mark.parametrize(("db", "tests"), [("postgres", ()), ("mariadb", OF_MARIADB)])
def test_a_project_with_local_servers(
    run: Callable[..., Ended], local_binaries: Callable[..., Binaries], db: str, tests: tuple[str, ...]
) -> None:
    local_binaries(db)
    ended = run(db, *(f"shop.tests.FailoverTests.test_{name}" for name in tests))
    assert ended.code == 0, ended.output
    assert set(ended.outcomes.values()) == {"PASSED"}
    assert len(ended.outcomes) == (len(tests) or 11)
    events = [envelope.event for envelope in read_journal(ended.artifacts / "journal.ndjson")]
    assert [event.code for event in events if isinstance(event, Notice) and event.code == "runs-alone"] == [
        "runs-alone"
    ]
    finished = [event.test for event in events if isinstance(event, AttemptFinished)]
    assert sorted(finished, key=lambda test: "Failover" in test) == finished


@pytest.mark.docker
@pytest.mark.parametrize("db", ["postgres", "mysql"])
def test_a_project_with_containers(run: Callable[..., Ended], db: str) -> None:
    names = ("reads_leave_a_replica_that_hangs", "a_replica_takes_over", "a_late_replica_and_a_frozen_one")
    ended = run(db, *(f"shop.tests.FailoverTests.test_{name}" for name in names), servers="docker")
    assert ended.code == 0, ended.output
    assert set(ended.outcomes.values()) == {"PASSED"}


def test_servers_are_put_right_however_a_test_ends(
    run: Callable[..., Ended], local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    ended = run("postgres", "--timeout", "4", tests=LEFT_DISTURBED)
    outcomes = {id.removeprefix("shop.tests."): outcome for id, outcome in ended.outcomes.items()}
    assert outcomes == {
        "ATests.test_a_crash": "CRASHED",
        "ATests.test_b_timeout": "TIMED_OUT",
        "ATests.test_c_error": "ERRORED",
        "ATests.test_d_last": "PASSED",
        "BTests.test_a_no_fixture_of_a_database": "PASSED",
        "CTests.test_a_class_cannot_be_alone": "PASSED",
    }, ended.output
    assert ended.code == 1


@pytest.mark.parametrize("lag", ["5s", "frozen"])
def test_the_lag_of_the_run_ends_at_the_first_action(
    run: Callable[..., Ended], local_binaries: Callable[..., Binaries], lag: str
) -> None:
    local_binaries("postgres")
    ended = run("postgres", "--replica-lag", lag, tests=IN_A_RUN_WITH_LAG)
    assert ended.code == 0, ended.output
    assert set(ended.outcomes.values()) == {"PASSED"}
    assert len(ended.outcomes) == 3


def test_pytest(run: Callable[..., Ended], tmp_path: Path, local_binaries: Callable[..., Binaries]) -> None:
    local_binaries("postgres")
    python = Path(test_pytest_databases.python())
    (packages,) = python.parents[1].glob("lib/*/site-packages")
    ended = run("postgres", "--framework", "pytest", tests=PYTEST, packages=packages)
    assert ended.code == 0, ended.output
    assert len(ended.outcomes) == 6
    assert set(ended.outcomes.values()) == {"PASSED"}
    words = ("-m", "pytest", "-rs", "-q", "-p", "no:cacheprovider", "shop/tests.py::test_outside")
    env = environment(PYTHONPATH=str(ROOT))
    outside = subprocess.run(
        [python, *words], cwd=tmp_path / "project", env=env, capture_output=True, text=True, timeout=60
    )
    assert outside.returncode == 0, outside.stdout
    assert "needs the servers of a run of harness ci" in outside.stdout


def test_a_server_that_is_lost_afterwards_ends_the_run(
    run: Callable[..., Ended], local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    ended = run("postgres", tests=LOST_AFTERWARDS)
    assert ended.code == 3, ended.output
    assert "The server default (PostgreSQL" in ended.output
    assert "ended with exit status" in ended.output
