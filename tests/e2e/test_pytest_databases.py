"""The databases of pytest's tests on real servers: two primaries and a replica of each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.engines import ENGINES
from harness.protocol.events import DatabasesReady
from harness.protocol.topology import Alias, TestOptions, Topology
from tests.e2e import pairs
from tests.runner import test_pytest_databases as cases
from tests.runner.conversation import Journal

pytestmark = pytest.mark.docker

ENGINE = {"postgres": "postgresql", "mysql": "mysql", "mariadb": "mysql"}


def topology(name: str) -> Topology:
    """That of the project ``pytest_databases``."""
    engine = ENGINES[name]

    def alias(name: str, database: str, host: str, **test: object) -> Alias:
        options = TestOptions(**test)  # type: ignore[arg-type]  # keywords of its own
        return Alias(name, engine.backend, engine.vendor, database, host, "", "shop", f"test_{database}", options)

    return Topology(
        (
            alias("default", "shop", "db1"),
            alias("replica", "shop", "db2", mirror="default"),
            alias("close", "shop", "db1", mirror="default"),
            alias("other", "other", "db3"),
            alias("near", "near", "db1", dependencies=("other",)),
            alias("twin", "shop", "db1"),
        )
    )


@pytest.fixture(scope="module", params=ENGINE)
def servers(request: pytest.FixtureRequest) -> Iterator[pairs.Pair]:
    with pairs.running(ENGINES[request.param], topology=topology(request.param)) as pair:
        yield pair


def run(servers: pairs.Pair, project: Path, *arguments: str, workers: int = 2) -> Journal:
    return cases.run_pytest(
        project,
        *arguments,
        engine=ENGINE[servers.engine.name],
        workers=workers,
        routes=servers.routes,
        endpoints=servers.endpoints,
    )


def test_every_kind_of_test_passes(servers: pairs.Pair, tmp_path: Path) -> None:
    journal = run(servers, cases.make(tmp_path / "project"))
    failed = [(each.test, each.failures) for each in journal.attempts if each.outcome.is_red]
    assert cases.red(journal) == cases.FAILS, failed
    assert {each.outcome.value for each in journal.attempts} == {"PASSED", "FAILED"}
    assert [each.alias for each in journal.one(DatabasesReady).databases] == ["default", "other", "near"]
    by_test = {attempt.test.rpartition("::")[2]: attempt for attempt in journal.attempts}
    assert any("INSERT" in each.sql for each in by_test["test_fails_after_statements"].sql)


two_engines = pytest.mark.parametrize("servers", ["postgres", "mysql"], indirect=True)
REPLICATED = """
import pytest
from shop.models import Item

@pytest.mark.django_db(transaction=True, databases=["default", "replica"])
@pytest.mark.parametrize("number", range(3))
def test_a_read_waits(number):
    Item.objects.create(name=f"committed {number}")
    assert Item.objects.using("replica").filter(name=f"committed {number}").exists()

@pytest.mark.django_db(databases=["default", "replica"])
def test_a_read_is_shared():
    Item.objects.create(name="not committed")
    assert Item.objects.using("replica").filter(name="not committed").exists()
"""


@two_engines
def test_each_folder_has_the_databases_of_its_own_set_up(servers: pairs.Pair, tmp_path: Path) -> None:
    files = cases.folders() | {"own/test_replicated.py": REPLICATED, "z/test_mirrored.py": REPLICATED}
    cases.assert_green(run(servers, cases.make(tmp_path / "project", files)))


@two_engines
def test_a_request_while_a_test_runs_gets_a_test_database(servers: pairs.Pair, tmp_path: Path) -> None:
    tests = """
def test_it(request):
    request.getfixturevalue("transactional_db")
    from shop.models import Item
    Item.objects.create(name="committed")
    assert Item.objects.count() == 2
"""
    project = cases.make(tmp_path / "project", {"conftest.py": "", "test_it.py": tests, "test_two.py": tests})
    cases.assert_green(run(servers, project))


OTHERWISE = """
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    from shop.models import Item
    name = settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock():
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
        call_command("migrate", verbosity=0)
        Item.objects.create(name="own")
        connection.close()
"""


@two_engines
def test_databases_that_a_set_up_makes_itself_are_cloned(servers: pairs.Pair, tmp_path: Path) -> None:
    tests = cases.SEES.format(names=["of the migration", "own"])
    files = {"conftest.py": OTHERWISE, "test_it.py": tests, "test_two.py": tests, "test_three.py": REPLICATED}
    journal = run(servers, cases.make(tmp_path / "project", files))
    cases.assert_green(journal)
    assert journal.notices("own-databases") == [
        "django_db_setup of the project makes its databases itself: default (shop)."
    ]


@two_engines
def test_databases_are_reused(servers: pairs.Pair, tmp_path: Path) -> None:
    """By ``--reuse-db`` on servers that stay, and made anew by ``--create-db``."""
    project = cases.make(tmp_path / "project", {"conftest.py": "", "test_it.py": "def test_it(db):\n    pass\n"})
    migration = project / "shop" / "migrations" / "0001_initial.py"
    noted = migration.read_text().replace("    apps.get", '    print("once", file=open("migrated", "a"))\n    apps.get')
    migration.write_text(noted)
    for arguments, number in ((("--create-db",), 1), (("--reuse-db",), 1), (("--reuse-db", "--create-db"), 2)):
        cases.assert_green(run(servers, project, *arguments))
        assert len((project / "migrated").read_text().split()) == number, arguments
