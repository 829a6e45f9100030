import time
import weakref
from typing import Any

import pytest
from django.db.utils import ConnectionHandler
from hypothesis import given
from hypothesis import strategies as st

from harness.runner.sql.statement_log import STATEMENT_CHARACTERS, StatementLog, fingerprint

ALIASES: dict[str, Any] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


def recorded(sql: str, params: Any) -> str:
    """The text that the log has of a statement."""
    log = StatementLog()
    log.begin("t")
    log.record(ConnectionHandler(ALIASES)["default"], sql, params, time.perf_counter())
    (statement,) = log.statements()
    return statement.sql


class TestFingerprint:
    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            ("SELECT 1", "SELECT ?"),
            ("SELECT 1.5, -2", "SELECT ?, ?"),
            ("SELECT 'a', 'o''hara', ''", "SELECT ?, ?, ?"),
            ("SELECT * FROM t WHERE a = 'x' AND b = 10 LIMIT 21", "SELECT * FROM t WHERE a = ? AND b = ? LIMIT ?"),
            ("SELECT * FROM t WHERE a IN (%s, %s,%s)", "SELECT * FROM t WHERE a IN (...)"),
            ("SELECT * FROM t WHERE a IN (1, 2, 3)", "SELECT * FROM t WHERE a IN (...)"),
            ("SELECT * FROM t WHERE a IN ('x', 'y')", "SELECT * FROM t WHERE a IN (...)"),
            ("SELECT\n\t*   FROM t\n", "SELECT * FROM t"),
            ('SAVEPOINT "s140029621795712_x1"', 'SAVEPOINT "?"'),
            ('RELEASE SAVEPOINT "s1_x22"', 'RELEASE SAVEPOINT "?"'),
            ('SELECT "table1"."column2" FROM "table1"', 'SELECT "table1"."column2" FROM "table1"'),
            ("SELECT table1.c2, `t3`.`c4` FROM table1", "SELECT table1.c2, `t3`.`c4` FROM table1"),
            ("SELECT %s", "SELECT %s"),
            ("BEGIN", "BEGIN"),
            ("", ""),
        ],
    )
    def test_literals_and_spaces_are_normalised(self, sql: str, expected: str) -> None:
        assert fingerprint(sql) == expected

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("SELECT a FROM t", "SELECT b FROM t"),
            ("SELECT * FROM t1", "SELECT * FROM t2"),
            ('SELECT "1"', 'SELECT "2"'),
            ("SELECT * FROM t WHERE a = %s", "SELECT * FROM t WHERE b = %s"),
            ("SELECT a", "DELETE a"),
        ],
    )
    def test_different_statements_differ(self, one: str, other: str) -> None:
        assert fingerprint(one) != fingerprint(other)

    @pytest.mark.parametrize("size", [2, 3, 1000])
    def test_the_length_of_a_list_does_not_matter(self, size: int) -> None:
        assert fingerprint(f"SELECT * FROM t WHERE a IN ({', '.join(['%s'] * size)})") == (
            "SELECT * FROM t WHERE a IN (...)"
        )

    @given(st.integers(0), st.text().map(lambda text: text.replace("'", "''")))
    def test_no_literal_is_left(self, number: int, text: str) -> None:
        assert (
            fingerprint(f"SELECT * FROM t WHERE a = {number} AND b = '{text}'")
            == "SELECT * FROM t WHERE a = ? AND b = ?"
        )

    @given(st.text(alphabet="01 a'()?,%s-\"\n.$_x"))
    def test_the_fingerprint_of_a_fingerprint_is_the_same(self, sql: str) -> None:
        once = fingerprint(sql)
        assert fingerprint(once) == once


class TestRecord:
    @pytest.mark.parametrize(
        ("params", "sql"),
        [
            ((1, "o'hara"), "SELECT 1, 'o''hara'"),
            ((None, b"\x00a"), "SELECT NULL, x'0061'"),
            ((memoryview(b"ab"), True), "SELECT x'6162', True"),
        ],
    )
    def test_parameters_are_rendered(self, params: Any, sql: str) -> None:
        assert recorded("SELECT %s, %s", params) == sql

    def test_a_large_parameter_is_rendered_in_part(self) -> None:
        sql = recorded("SELECT %s, %s", (1, b"a" * (4 << 20)))
        assert sql.startswith("SELECT 1, x'616161")
        assert sql.endswith(" -- of large parameters the beginning")
        assert len(sql) < STATEMENT_CHARACTERS + 200

    def test_the_log_holds_no_large_parameter(self) -> None:
        class Large(bytearray):
            pass

        value = Large(b"a" * (1 << 20))
        alive = weakref.ref(value)
        log = StatementLog()
        log.begin("t")
        log.record(ConnectionHandler(ALIASES)["default"], "SELECT %s", (value,), 0.0)
        del value
        assert alive() is None

    def test_a_long_statement_is_recorded_in_part(self) -> None:
        sql = recorded(f"SELECT '{'a' * (1 << 20)}', %s", (1,))
        assert "characters left out" in sql
        assert len(sql) < STATEMENT_CHARACTERS + 200
