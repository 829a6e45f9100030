"""Mirrors on databases in memory, where no replica is real: they read through their primary and cannot write."""

import pytest

from harness.protocol.events import AttemptFinished, DatabasesReady, QueriesCounted
from tests.runner.conversation import Journal, MakeProject, RunTests


@pytest.fixture(scope="module")
def journal(runner_once: RunTests, python: str) -> Journal:
    return runner_once("cases.test_mirrors", python=python)


def assert_all_as_expected(journal: Journal, count: int = 15) -> None:
    red = {event.test: event.failures for event in journal.attempts if event.outcome.is_red}
    assert list(red) == ["cases.test_mirrors.SharingTests.test_fails_and_shows_its_sql"], red
    assert len(journal.outcomes()) == count


CLASS_MODE = """
from django.db import connections
from django.test import TestCase, TransactionTestCase

class Tests(TestCase):
    databases = {"default", "replica"}
    harness_mirrors = "replica"

    def test_one(self):
        print(type(connections["replica"]).__name__)
"""

OWN_CONNECTION = """
from django.db import DatabaseError, connections
from django.test import TransactionTestCase

class Tests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_one(self):
        def run(alias, statement):
            with connections[alias].cursor() as cursor:
                return cursor.execute(statement).fetchall()

        run("default", "CREATE TABLE own (number int)")
        self.addCleanup(run, "default", "DROP TABLE own")
        self.assertEqual(run("replica", "SELECT count(*) FROM own"), [(0,)])
        self.assertIsNot(connections["replica"].connection, connections["default"].connection)
        with self.assertRaisesMessage(DatabaseError, "readonly"):
            run("replica", "INSERT INTO own VALUES (1)")
"""

MIRROR = """
DATABASES["replica"] = {**DATABASES["default"], "TEST": {"MIRROR": "default"}}
"""

COPIED = """
from django.db import connections
from django.test import TestCase

class Tests(TestCase):
    databases = {"default", "mirror"}
    set_up = []

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up.append(cls)

    def test_1_errs(self):
        raise ValueError("of its own")

    def test_2_is_of_the_same_set_up(self):
        self.assertEqual(len(self.set_up), 1)

    def test_3_copies_the_mirrors_connection(self):
        shared = connections["mirror"]
        for copied in (shared.copy(), shared.__class__(shared.settings_dict, alias="other")):
            with copied.cursor() as cursor:
                cursor.execute("SELECT 1")
                self.assertEqual(cursor.fetchone(), (1,))
            copied.close()
"""


class TestProject:
    def test_mirrors_read_rows_of_their_primary_and_cannot_write(self, journal: Journal) -> None:
        assert_all_as_expected(journal)

    def test_statements_are_of_the_alias_that_sent_them(self, journal: Journal) -> None:
        statements = journal.final("test_fails_and_shows_its_sql").sql
        reads = [(statement.alias, statement.role) for statement in statements if statement.sql.startswith("SELECT")]
        assert reads == [("replica", "primary"), ("default", "primary")]

    def test_queries_are_counted_by_alias(self, journal: Journal) -> None:
        counted = {query.alias for event in journal.all(QueriesCounted) for query in event.queries}
        assert counted == {"default", "replica", "other"}

    @pytest.mark.parametrize("settings", ["config.mirror_first", "config.flat"])
    def test_order_and_spelling_of_the_settings_do_not_matter(self, runner: RunTests, settings: str) -> None:
        journal = runner("cases.test_mirrors", settings=settings)
        assert_all_as_expected(journal)

    def test_old_spellings_give_a_notice_each(self, runner: RunTests) -> None:
        journal = runner("cases.test_mirrors.OtherAloneTests", settings="config.flat")
        assert [text.partition(":")[0] for text in journal.notices("flat-spelling")] == [
            "default.TEST_DEPENDENCIES",
            "replica.TEST_MIRROR",
            "other.TEST_DEPENDENCIES",
        ]


class TestDatabases:
    def test_databases_are_made_in_the_order_of_their_dependencies(self, runner: RunTests) -> None:
        flat = runner("cases.test_data.MigratedTests", settings="config.flat")
        assert [made.alias for made in flat.one(DatabasesReady).databases] == ["other", "default"]

    @pytest.mark.parametrize(
        ("label", "made"),
        [
            ("MirrorAloneTests", ["default"]),
            ("OtherAloneTests", ["default", "other"]),
            ("PrimaryAloneTests", ["default"]),
            ("NoDatabaseTests", []),
        ],
    )
    def test_only_the_needed_databases_are_made(self, runner: RunTests, label: str, made: list[str]) -> None:
        journal = runner(f"cases.test_mirrors.{label}")
        assert [database.alias for database in journal.one(DatabasesReady).databases] == made
        assert journal.status == 0


class TestModes:
    @pytest.mark.parametrize("mirrors", ["auto", "primary", "replica"])
    def test_a_mirror_in_memory_shares_in_each_mode(
        self, project: MakeProject, run_project: RunTests, mirrors: str
    ) -> None:
        project({"tests.py": CLASS_MODE}, MIRROR)
        journal = run_project("tests", mirrors=mirrors)
        assert journal.final("test_one").stdout == "SharedConnection\n"

    def test_a_mirror_in_a_file_has_a_connection_of_its_own(self, project: MakeProject, run_project: RunTests) -> None:
        files = (
            'DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "db", "TEST": {"NAME": "test_db"}}'
        )
        project({"tests.py": OWN_CONNECTION}, files + MIRROR)
        journal = run_project("tests")
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}

    def test_a_dependency_on_a_mirror_is_one_on_its_primary(self, project: MakeProject, run_project: RunTests) -> None:
        project(
            {"tests.py": CLASS_MODE.replace('{"default", "replica"}', '"__all__"')},
            MIRROR + 'DATABASES["other"] = {**DATABASES["default"], "TEST": {"DEPENDENCIES": ["replica"]}}',
        )
        journal = run_project("tests")
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}
        assert [database.alias for database in journal.one(DatabasesReady).databases] == ["default", "other"]

    def test_each_attempt_has_an_outcome(self, journal: Journal) -> None:
        assert all(isinstance(event, AttemptFinished) and event.final for event in journal.attempts)

    def test_a_test_with_a_mirror_keeps_its_rows_after_its_error(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project(
            {"tests.py": COPIED},
            'DATABASES["mirror"] = {**DATABASES["default"], "HOST": "replica", "TEST": {"MIRROR": "default"}}',
        )
        journal = run_project("tests")
        assert journal.outcomes() == {
            "Tests.test_1_errs": "ERRORED",
            "Tests.test_2_is_of_the_same_set_up": "PASSED",
            "Tests.test_3_copies_the_mirrors_connection": "PASSED",
        }
