"""The databases of pytest's tests on SQLite: made by the project's own fixtures, once where all workers can share them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.protocol.events import DatabasesReady
from harness.protocol.messages import Endpoint, Route, RunSpec
from harness.report.model.ledger import fold
from tests.environments import python_with
from tests.files import write_files
from tests.runner.conversation import PROJECTS, Journal, run

PROJECT = PROJECTS / "pytest_databases"
FAILS = {
    "tests/test_committing.py::test_fails_after_a_commit",
    "tests/test_rolling_back.py::test_blocked",
    "tests/test_rolling_back.py::test_fails_after_statements",
}
"""The tests of the project that fail; all others pass, or are skipped on SQLite."""
BLOCKED = (
    'Database access not allowed, use the "django_db" mark, or the "db" or "transactional_db" fixtures to enable it.'
)
SUPER = """
import pytest

@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    from shop.models import Item
    with django_db_blocker.unblock():
        Item.objects.create(name="{name}")
"""
SEES = """
from shop.models import Item

def test_rows(db):
    assert list(Item.objects.order_by("pk").values_list("name", flat=True)) == {names}

def test_again(transactional_db):
    pass
"""
OWN = """
import pytest
from django.test.runner import DiscoverRunner
from django.test.utils import get_runner, setup_databases, teardown_databases

@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    from django.conf import settings
    from shop.models import Item
    with django_db_blocker.unblock():
        made = {call}
        Item.objects.create(name="own")
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)
"""
WAYS = {
    "imported": "setup_databases(0, False, aliases={'default'})",
    "discover_runner": "DiscoverRunner(verbosity=0).setup_databases(aliases={'default'})",
    "get_runner": "get_runner(settings)(interactive=False).setup_databases()",
}


ROUTED = """
import pytest
from django.test import TestCase
from shop.models import Item

REPLICA = Item.objects.using("replica")
ON_BOTH = pytest.mark.django_db(databases=["default", "replica"], transaction=True)

@pytest.fixture
def item(transactional_db):
    return Item.objects.create(name="of a fixture")

@ON_BOTH
def test_a_fixture_is_read(item):
    assert REPLICA.filter(pk=item.pk).exists()

@ON_BOTH
def test_reads_what_it_wrote():
    Item.objects.create(name="written")
    assert REPLICA.filter(name="written").exists()

@ON_BOTH
@pytest.mark.parametrize("number", [1, 2])
def test_never_reads(number):
    Item.objects.create(name="written")

class TestUnread(TestCase):
    databases = {"default", "replica"}

    def setUp(self):
        Item.objects.create(name="of set-up")

    def test_1(self):
        pass

class TestRead(TestUnread):
    def test_1(self):
        assert REPLICA.filter(name="of set-up").exists()

def test_without_a_database():
    pass
"""


@pytest.fixture(scope="session")
def python_of_pytest() -> str:
    """A Python with pytest, pytest-django and the drivers of the databases."""
    return python()


def python() -> str:
    packages = ("django>=5.2,<5.3", "pytest-django", "pytest-asyncio", "psycopg[binary]", "pymysql", "tblib")
    return str(python_with("pytest-databases", *packages))


def make(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """The project ``pytest_databases`` in *folder*; with *files* in place of its tests and its ``conftest.py``."""
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__", *(["tests"] if files else [])))
    if files:
        (folder / "conftest.py").unlink()
    write_files(folder, files or {})
    return folder


def run_pytest(
    project: Path,
    *arguments: str,
    engine: str = "sqlite3",
    files: bool = False,
    workers: int = 1,
    routes: Sequence[Route] | None = None,
    endpoints: Sequence[Endpoint] = (),
) -> Journal:
    """The journal of the tests of *project*, with *arguments* for pytest; on *files* of SQLite, in place of its memory."""
    env = {"SHOP_ENGINE": engine, **({"SHOP_FILES": "1"} if files else {})}
    spec = RunSpec(pytest_args=arguments, workers=workers, timeout_s=60)
    return run(project, spec, python=python(), env=env, routes=routes, endpoints=endpoints, flags=())


def assert_green(journal: Journal) -> None:
    assert journal.status == 0, [(each.test, each.failures) for each in journal.attempts if each.outcome.is_red]


def red(journal: Journal) -> set[str]:
    """The ids of the tests that are red."""
    return {attempt.test for attempt in journal.attempts if attempt.final and attempt.outcome.is_red}


@pytest.mark.parametrize("files", [False, True], ids=["memory", "files"])
def test_every_kind_of_test_passes(python_of_pytest: str, tmp_path: Path, files: bool) -> None:
    project = make(tmp_path / "project")
    journal = run_pytest(project, files=files, workers=2)
    assert red(journal) == FAILS, [(each.test, each.failures) for each in journal.attempts if each.outcome.is_red]
    by_test = {attempt.test.rpartition("::")[2]: attempt for attempt in journal.attempts}
    assert by_test["test_blocked"].failures[0].message == BLOCKED
    assert any("INSERT" in each.sql for each in by_test["test_fails_after_statements"].sql)
    assert not list(project.glob("*.sqlite3"))


@pytest.mark.parametrize("files", [False, True], ids=["memory", "files"])
def test_each_folder_has_the_databases_of_its_own_set_up(python_of_pytest: str, tmp_path: Path, files: bool) -> None:
    journal = run_pytest(make(tmp_path / "project", folders()), files=files)
    assert_green(journal)


def test_the_routes_of_statements_are_reported(python_of_pytest: str, tmp_path: Path) -> None:
    journal = run_pytest(make(tmp_path / "project", {"conftest.py": "", "test_x.py": ROUTED}))
    assert_green(journal)
    routing = fold(journal.envelopes).routing
    assert routing is not None
    assert [(each.test, each.tables) for each in routing.after_writes] == [
        ("test_x.py::test_reads_what_it_wrote", ("shop_item",))
    ]
    assert [(each.owner, each.tests) for each in routing.declared if each.alias == "replica"] == [
        ("test_x.TestUnread", 1),
        ("test_x.py::test_never_reads", 2),
    ]


def folders() -> dict[str, str]:
    """Set-ups in several folders: two that build on that of the root, and one that makes its databases anew."""
    return {
        "conftest.py": SUPER.format(name="root"),
        "a/conftest.py": SUPER.format(name="a"),
        "a/test_a.py": SEES.format(names=["of the migration", "root", "a"]),
        "b/conftest.py": SUPER.format(name="b"),
        "b/test_b.py": SEES.format(names=["of the migration", "root", "b"]),
        "own/conftest.py": OWN.format(call=WAYS["imported"]),
        "own/test_own.py": SEES.format(names=["of the migration", "own"]),
        "z/test_z.py": SEES.format(names=["of the migration", "root"]),
        "z/test_z_again.py": SEES.format(names=["of the migration", "root"]),
    }


@pytest.mark.parametrize("way", WAYS)
def test_a_set_up_may_call_django_s_function_in_any_way(python_of_pytest: str, tmp_path: Path, way: str) -> None:
    files = {
        "conftest.py": OWN.format(call=WAYS[way]),
        "test_it.py": SEES.format(names=["of the migration", "own"]),
    }
    journal = run_pytest(make(tmp_path / "project", files), files=True, workers=2)
    assert_green(journal)
    made = {each.alias: each.clones for each in journal.one(DatabasesReady).databases}
    assert len(set(made["default"])) == 2


def test_a_skip_in_the_set_up_skips_each_test(python_of_pytest: str, tmp_path: Path) -> None:
    conftest = SUPER.format(name="x").replace("with", 'pytest.skip("no database here")\n    with')
    files = {"conftest.py": conftest, "test_it.py": SEES.format(names=[]) + "\ndef test_plain():\n    pass\n"}
    journal = run_pytest(make(tmp_path / "project", files))
    assert_green(journal)
    found = {attempt.test: (attempt.outcome.value, attempt.reason) for attempt in journal.attempts}
    assert found["test_it.py::test_rows"] == ("SKIPPED", "no database here")
    assert found["test_it.py::test_plain"] == ("PASSED", "")


class TestFailures:
    def test_of_the_fixture_names_its_file(self, python_of_pytest: str, tmp_path: Path) -> None:
        conftest = SUPER.format(name="x").replace("Item.objects.create", "Item.objects.missing")
        files = {"conftest.py": conftest, "test_it.py": SEES.format(names=[])}
        journal = run_pytest(make(tmp_path / "project", files))
        assert journal.status == ExitCode.PROJECT
        assert "django_db_setup of conftest.py" in journal.aborted.message
        assert "has no attribute 'missing'" in journal.aborted.message
        assert "conftest.py" in journal.aborted.evidence
        assert "_pytest" not in journal.aborted.evidence

    def test_of_a_migration_names_the_migration(self, python_of_pytest: str, tmp_path: Path) -> None:
        journal = run_pytest(self.with_a_migration_that_fails(tmp_path, SEES.format(names=[])))
        assert journal.status == ExitCode.PROJECT
        assert journal.aborted.message.startswith("Migration shop.0001_initial failed: LookupError")

    def test_of_a_migration_means_nothing_to_plain_tests(self, python_of_pytest: str, tmp_path: Path) -> None:
        journal = run_pytest(self.with_a_migration_that_fails(tmp_path, "def test_plain():\n    pass\n"))
        assert_green(journal)
        assert not journal.one(DatabasesReady).databases

    def with_a_migration_that_fails(self, tmp_path: Path, tests: str) -> Path:
        project = make(tmp_path / "project", {"conftest.py": "", "test_it.py": tests})
        migration = project / "shop" / "migrations" / "0001_initial.py"
        migration.write_text(migration.read_text().replace('"shop", "Item"', '"shop", "Missing"'))
        return project


def test_the_file_that_a_set_up_makes_itself_is_cloned_and_stays(python_of_pytest: str, tmp_path: Path) -> None:
    conftest = """
import pytest
from django.core.management import call_command

@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    from shop.models import Item
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
        Item.objects.create(name="own")
"""
    tests = SEES.format(names=["of the migration", "own"])
    project = make(tmp_path / "project", {"conftest.py": conftest, "test_it.py": tests, "test_two.py": tests})
    journal = run_pytest(project, files=True, workers=2)
    assert_green(journal)
    assert journal.notices("own-databases")
    assert [file.name for file in project.glob("*.sqlite3")] == ["shop.sqlite3"]


def test_databases_are_reused_and_made_anew(python_of_pytest: str, tmp_path: Path) -> None:
    """By ``--reuse-db``, and ``--create-db`` with it; ``--no-migrations`` makes tables alone."""
    project = make(tmp_path / "project", {"conftest.py": "", "test_it.py": "def test_it(db):\n    pass\n"})
    migration = project / "shop" / "migrations" / "0001_initial.py"
    noted = migration.read_text().replace("    apps.get", '    print("once", file=open("migrated", "a"))\n    apps.get')
    migration.write_text(noted)
    for arguments, number in (
        (("--reuse-db",), 1),
        (("--reuse-db",), 1),
        (("--reuse-db", "--create-db"), 2),
        (("--no-migrations",), 2),
    ):
        assert_green(run_pytest(project, *arguments, files=True))
        assert len((project / "migrated").read_text().split()) == number, arguments
    assert not list(project.glob("*.sqlite3"))


def test_another_mode_of_mirrors_is_an_error_of_the_test(python_of_pytest: str, tmp_path: Path) -> None:
    tests = """
import pytest

@pytest.mark.harness_mirrors("both")
def test_it(db):
    pass
"""
    journal = run_pytest(make(tmp_path / "project", {"conftest.py": "", "test_it.py": tests}))
    (attempt,) = journal.attempts
    assert attempt.outcome.value == "ERRORED"
    assert (
        attempt.failures[0].message
        == 'harness_mirrors is \'both\': "replica", "primary", "strict" or "auto" is needed.'
    )


def test_a_request_while_a_test_runs_gets_a_test_database(python_of_pytest: str, tmp_path: Path) -> None:
    tests = """
def test_it(request):
    request.getfixturevalue("db")
    from django.db import connection
    from shop.models import Item
    assert "test_shop" in connection.settings_dict["NAME"]
    assert Item.objects.count() == 1
"""
    project = make(tmp_path / "project", {"conftest.py": "", "test_it.py": tests, "test_two.py": tests})
    assert_green(run_pytest(project, files=True, workers=2))
    assert not list(project.glob("*.sqlite3"))
