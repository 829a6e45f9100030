"""The runner on real MySQL and MariaDB pairs: mirrors, waiting for a replica, one that stops, and what MySQL alone refuses."""

import contextlib
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ServerError
from harness.host.engines.mysql import MYSQL
from harness.protocol.events import AttemptFinished, DatabasesReady
from harness.protocol.messages import RunSpec
from harness.runner.replication.catch_up import await_position
from harness.runner.replication.mysql_writes import is_write
from harness.runner.replication.positions import GtidPositions
from tests.e2e import pairs
from tests.runner.conversation import Journal, MakeProject, run
from tests.unit.runner.replication import test_mysql_writes as writes

pytestmark = pytest.mark.docker

SETTINGS = """
import pymysql
pymysql.install_as_MySQLdb()

SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MYSQL = {"ENGINE": "django.db.backends.mysql", "NAME": "shop", "USER": "shop", "OPTIONS": {"init_command": "SET @said = 1"}}
DATABASES = {
    "default": {**MYSQL, "HOST": "db1"},
    "replica": {**MYSQL, "HOST": "db2", "TEST": {"MIRROR": "default"}},
}
"""
MODELS = """
from django.db import models

class Item(models.Model):
    name = models.CharField(max_length=50)

class Line(models.Model):
    item = models.ForeignKey(Item, on_delete=models.CASCADE)
"""
TESTS = """
from django.db import OperationalError, connections, transaction
from django.test import TestCase, TransactionTestCase

from shop.models import Item, Line

REFUSED = "option so it cannot execute this statement"


def ask(alias, question):
    with connections[alias].cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


class SharingTests(TestCase):
    databases = {"default", "replica"}

    def test_a_write_is_seen_and_one_through_the_mirror_is_refused_and_undoes_nothing(self):
        Item.objects.create(name="a")
        with self.assertRaisesMessage(OperationalError, REFUSED) as caught, transaction.atomic(using="replica"):
            Item.objects.using("replica").create(name="b")
        self.assertEqual(caught.exception.args[0], 1290)
        self.assertEqual([item.name for item in Item.objects.using("replica").iterator()], ["a"])
        self.assertEqual(ask("replica", "SELECT @@server_id"), ask("default", "SELECT @@server_id"))

    def test_rows_are_not_locked_through_the_mirror(self):
        with self.assertRaisesMessage(OperationalError, REFUSED):
            list(Item.objects.using("replica").select_for_update())

    def test_the_connection_is_as_the_settings_have_it(self):
        self.assertEqual(ask("default", "SELECT @said"), 1)


class CommittingTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_another_server_has_what_was_committed(self):
        for number in range(50):
            Item.objects.create(name=f"a{number}")
            self.assertEqual(Item.objects.using("replica").count(), number + 1)
        self.assertNotEqual(ask("replica", "SELECT @@server_id"), ask("default", "SELECT @@server_id"))

    def test_a_write_through_the_mirror_is_refused_by_its_server(self):
        with self.assertRaisesMessage(OperationalError, REFUSED) as caught:
            Item.objects.using("replica").create(name="b")
        self.assertEqual(caught.exception.args[0], 1290)

    def test_what_a_transaction_on_the_replica_has_seen_does_not_hold_back_the_next_flush(self):
        Item.objects.create(name="a")
        connections["replica"].set_autocommit(False)
        self.assertEqual(Item.objects.using("replica").count(), 1)


class CommittingTooTests(CommittingTests):
    pass
"""


@pytest.fixture(scope="module", params=pairs.ENGINES, ids=lambda engine: engine.name)
def pair(request: pytest.FixtureRequest) -> Iterator[pairs.Pair]:
    with pairs.running(request.param) as pair:
        yield pair


@pytest.fixture
def own_pair(request: pytest.FixtureRequest) -> Iterator[pairs.Pair]:
    """A pair for one test, which breaks it."""
    with pairs.running(request.param) as pair:
        yield pair


@pytest.fixture(scope="module", params=pairs.ENGINES, ids=lambda engine: engine.name)
def stopped_pair(request: pytest.FixtureRequest) -> Iterator[pairs.Pair]:
    """A pair whose replica has stopped: the primary wrote rows of a table that only the primary has."""
    with pairs.running(request.param) as pair:
        with pair.session() as session:
            session.run("CREATE DATABASE apart", "SET sql_log_bin = 0", "CREATE TABLE apart.alone (id int PRIMARY KEY)")
            session.run("SET sql_log_bin = 1", "INSERT INTO apart.alone VALUES (1)")
        yield pair


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    def make(files: dict[str, str]) -> Path:
        for name, text in {"settings.py": SETTINGS, "shop/__init__.py": "", "shop/models.py": MODELS, **files}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))
        return tmp_path

    return make


def run_on(pair: pairs.Pair, folder: Path, *labels: str, **spec: Any) -> Journal:
    with pair.session() as session:
        session.run("DROP DATABASE IF EXISTS test_shop")
    return run(
        folder,
        RunSpec(labels=labels or ("tests",), settings="settings", **{"workers": 2, "timeout_s": 60.0, **spec}),
        routes=pair.routes,
        endpoints=pair.endpoints,
    )


def red(journal: Journal) -> dict[str, Any]:
    return {event.test: event.failures for event in journal.attempts if event.outcome.is_red}


def test_mirrors(pair: pairs.Pair, project: MakeProject) -> None:
    journal = run_on(pair, project({"tests.py": TESTS}))
    assert red(journal) == {}, journal.stderr
    assert journal.status == 0, journal.stderr
    assert len(journal.outcomes()) == 9
    (made,) = journal.one(DatabasesReady).databases
    assert made.clones == ("test_shop_1", "test_shop_2")


def test_statements_show_who_ran_them(pair: pairs.Pair, project: MakeProject) -> None:
    test = """
        from django.test import TransactionTestCase
        from shop.models import Item

        class Tests(TransactionTestCase):
            databases = {"default", "replica"}

            def test_one(self):
                Item.objects.create(name="it's")
                Item.objects.using("replica").count()
                self.fail("to be shown")
        """
    sql = run_on(pair, project({"tests.py": test})).final("test_one").sql
    told = [(each.alias, each.role, each.sql.split()[0]) for each in sql if not each.sql.startswith("SET")]
    assert told[:2] == [("default", "primary", "INSERT"), ("replica", "replica", "SELECT")]
    assert all(word not in statement.sql for statement in sql for word in ("GTID", "gtid"))


def test_a_replica_refuses_what_a_shared_mirror_refuses(pair: pairs.Pair) -> None:
    """The kinds of statements are those of the real server, as far as it knows the statement at all."""
    with pair.session() as session:
        session.run("CREATE DATABASE IF NOT EXISTS ro", "CREATE TABLE IF NOT EXISTS ro.t (id int PRIMARY KEY, a int)")
        session.run("CREATE OR REPLACE VIEW ro.v AS SELECT 1", "DROP PROCEDURE IF EXISTS ro.p")
        session.run("CREATE PROCEDURE ro.p() SELECT 1")
    _catch_up(pair)
    asked, wrong = 0, []
    for sql in writes.statements(writes.REFUSED) + writes.statements(writes.LET_THROUGH):
        with pair.session("replica", "ro") as session:
            try:
                session.run(sql.replace("%s", "1"))
                number = 0
            except Exception as error:  # noqa: BLE001 - what it says is what is asked for
                number = error.args[0]
        if number in (0, 1290):
            asked += 1
            if is_write(sql) != (number == 1290):
                wrong.append((sql, number))
    assert wrong == []
    assert asked > 60


def _catch_up(pair: pairs.Pair) -> object:
    positions = GtidPositions()
    with pair.session() as primary, pair.session("replica") as replica:
        with primary.connection.cursor() as cursor:
            wanted = positions.position(cursor)
        with replica.connection.cursor() as cursor:
            return await_position(positions, cursor, wanted, 30.0, "default")


def test_a_server_that_is_no_replica_is_not_waited_for(pair: pairs.Pair) -> None:
    positions = GtidPositions()
    with pair.session() as primary, primary.connection.cursor() as cursor:
        positions.position(cursor)
        elsewhere = "0-99-999999" if pair.engine.name == "mariadb" else "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9"
        assert await_position(positions, cursor, (elsewhere,), 30.0, "default") is None


def test_a_replica_that_does_not_get_there_in_time(pair: pairs.Pair) -> None:
    positions = GtidPositions()
    elsewhere = "0-1-999999999" if pair.engine.name == "mariadb" else "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9"
    with pair.session() as primary, primary.connection.cursor() as cursor:
        positions.position(cursor)
    late = pytest.raises(ServerError, match=r"did not catch up within 0\.5 s")
    with pair.session("replica") as replica, replica.connection.cursor() as cursor, late as caught:
        await_position(positions, cursor, (elsewhere,), 0.5, "default")
    assert elsewhere in caught.value.evidence


def test_a_stopped_replica_is_reported_at_once_with_its_cause(stopped_pair: pairs.Pair) -> None:
    with contextlib.ExitStack() as stack:
        primary, replica = (stack.enter_context(stopped_pair.session(role)) for role in ("primary", "replica"))
        positions = GtidPositions()
        wanted = positions.position(stack.enter_context(primary.connection.cursor()))
        cursor = stack.enter_context(replica.connection.cursor())
        with pytest.raises(ServerError, match="The replica of 'default' has stopped applying") as caught:
            await_position(positions, cursor, wanted, 1e6, "default")
        assert "alone" in caught.value.evidence
        assert "1146" in caught.value.evidence
        health = positions.health(cursor)
        assert health is not None
        assert health.stopped == "applying"


BREAKING = """
from django.db import connection
from django.test import TransactionTestCase

class BreakingTests(TransactionTestCase):
    def test_one(self):
        with connection.cursor() as cursor:
            cursor.execute("SET sql_log_bin = 0")
            cursor.execute("CREATE TABLE alone (id int PRIMARY KEY)")
            cursor.execute("SET sql_log_bin = 1")
            cursor.execute("INSERT INTO alone VALUES (1)")

class ReadingTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_two(self):
        from shop.models import Item
        Item.objects.using("replica").count()
"""


@pytest.mark.parametrize("own_pair", pairs.ENGINES, ids=lambda engine: engine.name, indirect=True)
def test_a_run_whose_replica_stops_ends_with_its_cause(own_pair: pairs.Pair, project: MakeProject) -> None:
    journal = run_on(own_pair, project({"tests.py": BREAKING}), workers=1)
    assert journal.aborted.exit_code == journal.status == 3
    assert "has stopped applying" in journal.aborted.message
    assert "alone" in journal.aborted.evidence
    assert journal.outcomes()["ReadingTests.test_two"] == "ERRORED"


def test_a_stopped_replica_is_reported_before_the_tests(stopped_pair: pairs.Pair, project: MakeProject) -> None:
    journal = run_on(stopped_pair, project({"tests.py": TESTS}), workers=1)
    assert journal.status == 3
    assert "alone" in journal.aborted.evidence
    assert journal.all(AttemptFinished) == []


MYISAM = """
from django.db import connection, transaction
from django.test import TestCase

class Tests(TestCase):
    @classmethod
    def setUpClass(cls):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS plain (id int) ENGINE=MyISAM")
        super().setUpClass()

    def test_one(self):
        from shop.models import Item
        Item.objects.create(name="a")
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO plain VALUES (1)")
"""


@pytest.mark.parametrize("pair", [MYSQL], indirect=True, ids=["mysql"])
def test_the_error_of_a_non_transactional_table_names_the_option(pair: pairs.Pair, project: MakeProject) -> None:
    journal = run_on(pair, project({"tests.py": MYISAM}))
    (failure,) = journal.final("test_one").failures
    assert "1785" in failure.message
    assert 'replication = "position" in [tool.harness.servers.mysql]' in failure.traceback


def test_replication_by_position(project: MakeProject) -> None:
    with pairs.running(MYSQL, "position") as pair:
        journal = run_on(pair, project({"tests.py": TESTS, "test_myisam.py": MYISAM}), "tests", "test_myisam")
    assert red(journal) == {}
    assert journal.status == 0
    assert len(journal.outcomes()) == 10


CROWD = """
import os

from django.db import connection
from django.test import TransactionTestCase

from shop.models import Item


class Busy:
    databases = {"default", "replica"}

    def test_rows(self):
        Item.objects.bulk_create(Item(name=str(number)) for number in range(20))
        self.assertEqual(Item.objects.using("replica").count(), 20)

    def test_tables(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE extra (id int PRIMARY KEY)")
            cursor.execute("INSERT INTO extra VALUES (1)")
            cursor.execute("DROP TABLE extra")
        self.assertEqual(Item.objects.using("replica").count(), 0)

    def test_databases(self):
        name = f"extra_{os.getpid()}"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            cursor.execute(f"CREATE TABLE {name}.t (id int PRIMARY KEY)")
            cursor.execute(f"INSERT INTO {name}.t VALUES (1)")
            cursor.execute(f"DROP DATABASE {name}")
        self.assertEqual(Item.objects.using("replica").count(), 0)


class Dying(Busy):
    def test_z_dies_in_the_middle(self):
        Item.objects.create(name="a")
        os._exit(1)


for number in range(16):
    name = f"Tests{number:02}"
    globals()[name] = type(name, (Dying if number % 4 == 0 else Busy, TransactionTestCase), {})
del name, number
"""


def test_eight_workers_and_a_replica_that_never_stops(pair: pairs.Pair, project: MakeProject) -> None:
    """Slots of workers that die are made anew meanwhile: their databases are dropped under a replica that still applies."""
    journal = run_on(pair, project({"tests.py": CROWD}), workers=8)
    outcomes = journal.outcomes()
    assert {name for name, outcome in outcomes.items() if outcome != "PASSED"} == {
        f"Tests{number:02}.test_z_dies_in_the_middle" for number in range(0, 16, 4)
    }, red(journal)
    assert journal.status == 1, journal.stderr
    assert len(outcomes) == 16 * 3 + 4
    _catch_up(pair)
    with pair.session("replica") as replica, replica.connection.cursor() as cursor:
        health = GtidPositions().health(cursor)
        assert health is not None
        assert not health.stopped
        made = {name for (name,) in replica.run("SHOW DATABASES")}
    assert {f"test_shop_{slot}" for slot in range(1, 9)} <= made
