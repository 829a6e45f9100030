"""The statements of Django's documentation on test mirrors, creation order and test databases hold on each kind of server.

Each statement stands here in words of our own, with the page that has it; the tests are those of the project ``documented``.
The settings are spelled as today and as in Django 1.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from tests.e2e import command
from tests.mirror_runs import SERVERS

NEW = "https://docs.djangoproject.com/en/6.1/"
OLD = "https://docs.djangoproject.com/en/1.4/"
MIRRORS = f"{NEW}topics/testing/advanced/#testing-primary-replica-configurations"
ORDER = f"{NEW}topics/testing/advanced/#controlling-creation-order-for-test-databases"
DATABASES = f"{NEW}topics/testing/overview/#the-test-database"
SEVERAL = f"{NEW}topics/testing/tools/#multi-database-support"
OLD_MIRRORS = f"{OLD}topics/testing/#testing-master-slave-configurations"
OLD_ORDER = f"{OLD}topics/testing/#controlling-creation-order-for-test-databases"


def setting(name: str) -> str:
    return f"{NEW}ref/settings/#std-setting-TEST_{name}"


def old_setting(name: str) -> str:
    return f"{OLD}ref/settings/#test-{name.lower()}"


@dataclass(frozen=True)
class Statement:
    """A statement, its pages, and the test of the project that holds it: class and name."""

    says: str
    pages: tuple[str, ...]
    test: str
    is_in_flat: bool = True
    """Whether the flat spelling has the setting."""

    def __str__(self) -> str:
        return self.test


STATEMENTS = [
    Statement(
        "Two databases that are not declared as mirror and primary stay apart, also where production replicates.",
        (MIRRORS, OLD_MIRRORS),
        "MirrorTests.test_databases_that_are_no_mirrors_do_not_replicate",
    ),
    Statement(
        "The aliases are on two servers, of which the second replicates the first.",
        (MIRRORS, OLD_MIRRORS),
        "MirrorTests.test_there_are_two_servers",
    ),
    Statement(
        "No test database is created for a mirror.",
        (MIRRORS, OLD_MIRRORS),
        "MirrorTests.test_a_mirror_has_no_test_database_of_its_own",
    ),
    Statement(
        "The connection of the mirror is pointed at the test database of its primary.",
        (MIRRORS, OLD_MIRRORS, setting("MIRROR"), old_setting("MIRROR")),
        "MirrorTests.test_the_mirror_points_at_the_database_of_its_primary",
    ),
    Statement(
        "In a TransactionTestCase, a write to the primary appears on the mirror.",
        (MIRRORS, OLD_MIRRORS, setting("MIRROR")),
        "MirrorTests.test_writes_to_default_appear_on_the_mirror",
    ),
    Statement(
        "It appears in every test. Today's pages except a TestCase, which is no limit here.",
        (OLD_MIRRORS, MIRRORS),
        "MirrorInATransactionTests.test_writes_to_default_appear_on_the_mirror",
    ),
    Statement(
        "Each database but default depends on default, which is created first, unless its own list says otherwise.",
        (ORDER, OLD_ORDER, setting("DEPENDENCIES"), old_setting("DEPENDENCIES")),
        "OrderTests.test_default_comes_before_those_without_dependencies",
    ),
    Statement(
        "A database is created after those that its list names.",
        (ORDER, OLD_ORDER, setting("DEPENDENCIES"), old_setting("DEPENDENCIES")),
        "OrderTests.test_each_database_comes_after_its_dependencies",
    ),
    Statement(
        "Diamonds, which depend on nothing, come first; then default and clubs in any order, then hearts, then spades.",
        (ORDER, OLD_ORDER),
        "OrderTests.test_the_order_of_the_suits",
    ),
    Statement(
        "Each database that a test uses is created, once.",
        (SEVERAL, f"{OLD}topics/testing/#multi-database-support"),
        "OrderTests.test_each_database_is_made_once",
    ),
    Statement(
        "By default the name of a test database is that of the database after test_.",
        (DATABASES, setting("NAME"), old_setting("NAME")),
        "SettingsTests.test_the_name_begins_with_test",
    ),
    Statement(
        "The name can be set.",
        (DATABASES, setting("NAME"), old_setting("NAME")),
        "SettingsTests.test_the_name_is_that_of_the_setting",
    ),
    Statement(
        "The character set is passed on to the server; so is the template of a PostgreSQL database.",
        (DATABASES, setting("CHARSET"), old_setting("CHARSET"), setting("TEMPLATE")),
        "SettingsTests.test_the_character_set_is_that_of_the_setting",
    ),
    Statement(
        "The collation is passed on to MySQL and MariaDB.",
        (DATABASES, setting("COLLATION"), old_setting("COLLATION")),
        "SettingsTests.test_the_collation_is_that_of_the_setting",
    ),
    Statement(
        "Migrations run when a test database is created.",
        (setting("MIGRATE"),),
        "SettingsTests.test_migrations_have_run",
    ),
    Statement(
        "They do not where MIGRATE is false.",
        (setting("MIGRATE"),),
        "SettingsTests.test_migrations_have_not_run_without_migrate",
        is_in_flat=False,
    ),
    Statement(
        "Each database that a class names is clean for each of its tests, the first ...",
        (SEVERAL, f"{OLD}topics/testing/#multi-database-support"),
        "FlushTests.test_one_cleans_up",
    ),
    Statement(
        "... and the next.",
        (SEVERAL, f"{OLD}topics/testing/#multi-database-support"),
        "FlushTests.test_two_cleans_up",
    ),
    Statement(
        "A query of an alias that the class does not name is an assertion's failure, also of a mirror.",
        (SEVERAL,),
        "DeniedTests.test_other_databases_are_denied",
    ),
]
KINDS = ["postgres", "mariadb", pytest.param("mysql", marks=pytest.mark.docker)]
Run = Callable[..., command.Ended]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, local_cache: Path, local_binaries: Callable[..., Binaries]) -> Run:
    """Runs the project on the servers of a kind with a spelling of the settings, the same run once."""
    runs: dict[tuple[str, ...], command.Ended] = {}

    def run(kind: str, spelling: str, module: str = "settings") -> command.Ended:
        key = (kind, spelling, module)
        if key not in runs:
            if kind != "mysql":
                local_binaries(kind)
            env = command.environment(
                HARNESS_CACHE=str(local_cache),
                DOCUMENTED_ENGINE="postgresql" if kind == "postgres" else "mysql",
                DOCUMENTED_SPELLING=spelling,
            )
            where = ("--project", str(command.PROJECTS / "documented"), "--settings", module, *SERVERS[kind])
            artifacts = tmp_path_factory.mktemp("documented")
            runs[key] = command.harness(*where, "--parallel", "1", artifacts=artifacts, env=env)
        return runs[key]

    return run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spelling", ["dictionary", "flat"])
class TestStatements:
    @pytest.mark.parametrize("statement", STATEMENTS, ids=str)
    def test_a_statement_holds(self, run: Run, kind: str, spelling: str, statement: Statement) -> None:
        is_of_another = (statement.test.endswith("collation_is_that_of_the_setting") and kind == "postgres") or (
            spelling == "flat" and not statement.is_in_flat
        )
        outcome = run(kind, spelling).outcomes[f"cards.tests.{statement.test}"]
        assert outcome == ("SKIPPED" if is_of_another else "PASSED"), f"{statement.says}\n{run(kind, spelling).output}"

    def test_every_test_of_the_project_is_a_statement(self, run: Run, kind: str, spelling: str) -> None:
        assert {*run(kind, spelling).outcomes} == {f"cards.tests.{statement.test}" for statement in STATEMENTS}


@pytest.mark.parametrize("spelling", ["dictionary", "flat"])
@pytest.mark.parametrize(
    ("module", "circle"),
    [("circle", "default -> diamonds -> default"), ("without_list", "default -> diamonds -> default")],
)
def test_a_circle_of_dependencies_is_an_error(run: Run, spelling: str, module: str, circle: str) -> None:
    """Both pages on the order say so (``ORDER``, ``OLD_ORDER``); Django raises ``ImproperlyConfigured``.

    That of 1.4 shows diamonds without a list, which by its own page of settings depend on default then: its example was such a
    circle, and Django 1.4 refused it too. The hint has what later pages write: an empty list.
    """
    ended = run("postgres", spelling, module)
    assert ended.code == 4, ended.output
    assert f"TEST DEPENDENCIES go round in a circle: {circle}." in ended.output
    assert "without DEPENDENCIES depends on 'default', [] means on nothing" in ended.output
