import json
import sqlite3
from contextlib import closing

import pytest

from harness.protocol import naming
from harness.protocol.results import Outcome, QueryCount, Statement
from harness.report.formats import sql
from harness.report.model import ledger
from harness.runner.text import cut
from tests.golden.journals import STATEMENTS, Journal, failure, planned

ONE, TWO = planned("test_one"), planned("test_two")


def text_of(*statements: Statement) -> str:
    journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, 0.034, failures=(failure("13 != 12"),), sql=statements)
    return dict(sql.files(ledger.fold(journal.envelopes)))[naming.sql_file(ONE.id)]


def statement(text: str, **more: object) -> Statement:
    fields: dict[str, object] = {"at": 0.0, "alias": "default", "role": "primary", "duration": 0.001, **more}
    return Statement(sql=text, **fields)  # type: ignore[arg-type]  # the keywords are the callee's fields


class TestFile:
    def test_the_whole_file(self) -> None:
        assert text_of(*STATEMENTS) == (
            f"""\
-- {ONE.id}
-- FAIL, attempt 1 of 1, slot 1, 34.0 ms
-- AssertionError: 13 != 12
-- 7 statements in 2.6 ms, parameters rendered

-- ======== default: transaction begins ========
-- [1] default (primary), 0.1 ms, at +0.001 s
BEGIN;

-- [2] default (primary), 0.1 ms, at +0.002 s, in a transaction
SAVEPOINT "s1_x1";

-- [3] default (primary), 0.8 ms, at +0.003 s, in a transaction
INSERT INTO shop_order (total) VALUES ('12''50');

-- [4] replica (replica), 1.2 ms, at +0.005 s
SELECT COUNT(*) FROM "shop_order" -- how many
;

-- [5] default (primary), 0.2 ms, at +0.008 s, in a transaction
-- ERROR: division by zero
-- ERROR: CONTEXT: of the test
SELECT 1/0;

-- [6] default (primary), 0.1 ms, at +0.009 s, in a transaction
ROLLBACK TO SAVEPOINT "s1_x1";

-- [7] default (primary), 0.1 ms, at +0.010 s
ROLLBACK;
-- ======== default: transaction ends ========
"""
        )

    def test_a_database_runs_the_file(self) -> None:
        statements = (
            statement("CREATE TABLE t (a TEXT)", error="what it said;\n'and' more"),
            statement("BEGIN"),
            statement("INSERT INTO t VALUES ('one; -- no comment')"),
            statement("INSERT INTO t VALUES ('two') -- a comment"),
            statement("-- 3 statements left out", alias="", role=""),
            statement("INSERT INTO t VALUES ('three\nlines\r-- of it')\n;\n"),
            statement(cut("INSERT INTO t VALUES ('it''s long" + "\r\n" * 100 + "')", 40), is_partial=True),
            statement("INSERT INTO t VALUES (%s)", parameters="('o\\'hara',)"),
            statement("INSERT INTO t VALUES ('a -- parameters: b')"),
            statement("INSERT INTO t VALUES ('a\n[... 9 characters left out ...]\nb')"),
            statement("COMMIT;"),
        )
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            connection.executescript(text_of(*statements))
            rows = [row for (row,) in connection.execute("SELECT a FROM t")]
        assert rows == [
            "one; -- no comment",
            "two",
            "three\nlines\r-- of it",
            "a -- parameters: b",
            "a\n[... 9 characters left out ...]\nb",
        ]

    def test_a_transaction_that_the_class_began_has_a_comment(self) -> None:
        text = text_of(statement('SAVEPOINT "s1"'), statement("SELECT 1"))
        assert text.endswith(
            """
-- ======== default: in a transaction that began before the test, with its class ========
-- [1] default (primary), 1.0 ms, at +0.000 s, in a transaction
SAVEPOINT "s1";

-- [2] default (primary), 1.0 ms, at +0.000 s, in a transaction
SELECT 1;
"""
        )

    def test_only_red_attempts_with_sql_have_a_file(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED, sql=STATEMENTS).attempt(TWO, Outcome.FAILED)
        assert list(sql.files(ledger.fold(journal.envelopes))) == []

    def test_each_red_attempt_is_in_the_file(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False, sql=STATEMENTS[:1])
        journal.attempt(ONE, Outcome.PASSED, n=2)
        ((path, text),) = sql.files(ledger.fold(journal.envelopes))
        assert path == naming.sql_file(ONE.id)
        assert "-- FAIL, attempt 1 of 2" in text


class TestEscapes:
    def test_parameters_that_were_not_rendered_are_comments(self) -> None:
        text = text_of(statement("INSERT INTO t VALUES (%s)", parameters="('a\nDROP TABLE t;',)"))
        assert text.endswith("\n-- INSERT INTO t VALUES (%s)\n-- parameters: ('a\n-- DROP TABLE t;',)\n")

    def test_names_and_errors_cannot_leave_their_comment(self) -> None:
        text = text_of(statement("SELECT 1", alias="a\nDROP TABLE t;", error="x\r\nDROP TABLE t;\u0085y"))
        assert [line for line in text.split("\n") if line and not line.startswith("--")] == ["SELECT 1;"]

    def test_a_nul_is_an_escape(self) -> None:
        assert "SELECT '\\x00';" in text_of(statement("SELECT '\0'"))


class TestQueries:
    def test_a_query_is_a_line_of_json(self) -> None:
        queries = (
            QueryCount("UPDATE", "default", 1, 0.5, 0.5, ("a", "b")),
            QueryCount("SELECT ?", "replica", 9, 0.1, 0.05, ()),
        )
        lines = [json.loads(line) for line in sql.queries_text(queries).splitlines()]
        assert [(line["fingerprint"], line["alias"]) for line in lines] == [
            ("UPDATE", "default"),
            ("SELECT ?", "replica"),
        ]
        assert lines[0] == {
            "fingerprint": "UPDATE",
            "alias": "default",
            "count": 1,
            "total_s": 0.5,
            "slowest_s": 0.5,
            "tests": ["a", "b"],
        }

    @pytest.mark.parametrize(("value", "expected"), [(0.00012, "0.1 ms"), (0.9994, "999.4 ms"), (1.25, "1.250 s")])
    def test_seconds_have_a_readable_unit(self, value: float, expected: str) -> None:
        assert sql.seconds(value) == expected
