"""The tables of statements, as Django and people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runner.sql.table_names import NONE, Tables, tables_of

READS = {
    'SELECT "a"."x" FROM "a" INNER JOIN "b" U0 ON (1=1) WHERE "x" IN (SELECT 1 FROM "c" V0)': "a b c",
    'SELECT COUNT(*) FROM "a" WHERE ("x" = %s)': "a",
    'SELECT EXTRACT(YEAR FROM "a"."day" AT TIME ZONE %s) FROM "a"': "a",
    "SELECT x IS DISTINCT FROM y FROM a": "a",
    'SELECT count(*) FROM (SELECT 1 FROM "s"."t") subquery': "s.t",
    "SELECT 'FROM b', `x` FROM `s`.`a` -- FROM c": "s.a",
    "/* FROM b */ SELECT 1 FROM ONLY a LEFT OUTER JOIN LATERAL f(1) ON true": "a",
    "(SELECT 1 FROM a) UNION (SELECT 1 FROM b)": "a b",
    'SELECT 1 FROM "a" FOR UPDATE OF "a"': "a",
    "WITH RECURSIVE x(n) AS (SELECT 1 FROM t UNION SELECT n FROM x) SELECT n FROM x JOIN y ON true": "t y",
    "EXPLAIN SELECT 1 FROM a": "a",
}
WRITES = {
    'INSERT INTO "a" ("x") VALUES (%s) RETURNING "a"."id"': ("", "a"),
    "INSERT IGNORE INTO `a` (`x`) VALUES (%s) ON DUPLICATE KEY UPDATE `x` = 1": ("", "a"),
    "INSERT INTO a (x) VALUES (1) ON CONFLICT (x) DO UPDATE SET x = 1": ("", "a"),
    "INSERT INTO a SELECT * FROM b": ("b", "a"),
    'UPDATE "a" SET "x" = (SELECT "y" FROM "b")': ("b", "a"),
    'DELETE FROM "a" WHERE "x" IN (SELECT "y" FROM "b")': ("b", "a"),
    "WITH x AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM x": ("", "t u"),
    "TRUNCATE TABLE a": ("", "a"),
    "COPY a (x) FROM STDIN": ("", "a"),
    'CREATE TABLE IF NOT EXISTS "a" ("id" int REFERENCES "b" ON UPDATE CASCADE)': ("", "a"),
    "REPLACE INTO a (x) VALUES (1)": ("", "a"),
}
NEITHER = [
    *(
        "",
        "BEGIN",
        "COMMIT",
        'SAVEPOINT "s1"',
        "SET x = 1",
        "CALL f(1)",
        "SELECT 1",
        "SELECT f(1)",
        "SELECT * FROM f(1)",
    ),
    *(
        "SELECT 1 FROM unnest (x)",
        "SELECT 1 FROM pg_class",
        "SELECT 1 FROM information_schema.tables",
        "COPY a TO STDOUT",
    ),
]


@pytest.mark.parametrize("sql", READS)
def test_a_statement_that_reads(sql: str) -> None:
    assert tables_of(sql) == Tables(tuple(READS[sql].split()))


@pytest.mark.parametrize("sql", WRITES)
def test_a_statement_that_writes(sql: str) -> None:
    reads, writes = WRITES[sql]
    assert tables_of(sql) == Tables(tuple(reads.split()), tuple(writes.split()))


@pytest.mark.parametrize("sql", NEITHER)
def test_a_statement_without_tables(sql: str) -> None:
    assert tables_of(sql) == NONE


@given(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_ ]{0,20}[a-z0-9]", fullmatch=True).filter(lambda n: "  " not in n), st.text()
)
def test_any_name_and_any_literal(name: str, literal: str) -> None:
    quoted = literal.replace("'", "''")
    name = f"t_{name}"
    assert tables_of(f"SELECT '{quoted}' FROM \"{name}\" WHERE x = '{quoted}'").reads == (name,)
    assert tables_of(f"UPDATE \"{name}\" SET x = '{quoted}'").writes == (name,)


@given(st.text())
def test_any_text_ends(sql: str) -> None:
    tables_of(sql)
