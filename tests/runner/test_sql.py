"""The SQL of failing tests, and what all statements add up to."""

import re
from typing import Any

import pytest

from harness.protocol.events import QueriesCounted
from tests.runner.conversation import Journal, RunTests


@pytest.fixture(scope="module")
def journal(runner_once: RunTests) -> Journal:
    return runner_once("cases.test_sql", workers=1)


def statements(journal: Journal, test: str) -> Any:
    return [without_number(statement.sql) for statement in journal.final(test).sql]


def without_number(sql: str) -> Any:
    """Savepoints are numbered by their thread and by how many there were."""
    return re.sub(r' "?s\d+_x\d+"?$', "", sql)


INSERT = """INSERT INTO "shop_item" ("name") VALUES ('{}') RETURNING "shop_item"."id\""""


def test_statements_are_in_order_with_parameters_and_boundaries(journal: Journal) -> None:
    assert statements(journal, "InATestCase.test_fails_after_statements") == [
        "SAVEPOINT",  # Django's, for the test
        "SAVEPOINT",
        INSERT.format("o''hara"),
        "RELEASE SAVEPOINT",
        "SAVEPOINT",
        INSERT.format("o''hara"),
        "ROLLBACK TO SAVEPOINT",
        "RELEASE SAVEPOINT",
        "PRAGMA foreign_key_check",
        "ROLLBACK TO SAVEPOINT",
        "RELEASE SAVEPOINT",
    ]


def test_a_committing_test_shows_its_transaction_boundaries(journal: Journal) -> None:
    found = statements(journal, "Committing.test_fails_after_statements")
    assert found[:5] == [
        "BEGIN",
        INSERT.format("a"),
        "COMMIT",
        "BEGIN",
        "ROLLBACK",
    ]
    assert "INSERT INTO shop_item (name) VALUES (%s)" in found
    sent = journal.final("Committing.test_fails_after_statements").sql
    assert [s.parameters for s in sent if s.parameters] == ["[['b'], ['c']]"]


def test_a_statement_that_failed_says_why(journal: Journal) -> None:
    failed = [s for s in journal.final("InATestCase.test_fails_after_statements").sql if s.error]
    assert [s.error for s in failed] == ["UNIQUE constraint failed: shop_item.name"]


def test_statements_have_their_place_in_time(journal: Journal) -> None:
    found = journal.final("InATestCase.test_fails_after_statements")
    times = [s.at for s in found.sql]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= found.duration
    assert all(0 <= s.duration <= found.duration for s in found.sql)


def test_of_many_statements_the_first_and_the_last_are_kept(journal: Journal) -> None:
    sql = statements(journal, "Many.test_fails_after_many")
    assert len(sql) == 2001
    (left_out,) = [text for text in sql if "statements left out" in text]
    assert sql.index(left_out) == 1000


def test_a_passing_test_has_none(journal: Journal) -> None:
    assert journal.final("InATestCase.test_passes").sql == ()


def test_all_statements_are_counted_by_fingerprint(journal: Journal) -> None:
    queries = [query for event in journal.all(QueriesCounted) for query in event.queries]
    (many,) = [query for query in queries if query.count >= 3000]
    assert many.fingerprint == 'SELECT %s AS "a" FROM "shop_item" WHERE "shop_item"."id" = %s LIMIT ?'
    assert many.tests == ("cases.test_sql.Many.test_fails_after_many",)
    assert 0 < many.slowest <= many.total
    keys = [(query.fingerprint, query.alias) for query in queries]
    assert len(keys) == len(set(keys))


def test_debug_sql_is_accepted(runner: RunTests) -> None:
    journal = runner("cases.test_sql.InATestCase", django=["--debug-sql"])
    assert journal.outcomes() == {
        "InATestCase.test_fails_after_statements": "FAILED",
        "InATestCase.test_passes": "PASSED",
    }
