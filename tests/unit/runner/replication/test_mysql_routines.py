from collections.abc import Mapping

import pytest

from harness.runner.replication.mysql_routines import Call, Routines, calls_of
from harness.runner.replication.mysql_writes import body_writes

READS = """
SELECT 1
BEGIN SELECT 1; END
BEGIN DECLARE done INT; DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1; SELECT 1; END
SELECT CASE WHEN a THEN REPLACE(a, 'b', 'c') ELSE INSERT('a', 1, 1, 'b') END FROM t
BEGIN CREATE TEMPORARY TABLE IF NOT EXISTS `tmp` (id int); INSERT INTO tmp SELECT 1; TRUNCATE TABLE tmp; DROP TABLE tmp; END
BEGIN DROP TEMPORARY TABLE IF EXISTS x; CREATE TEMPORARY TABLE x SELECT 1; UPDATE x SET a = 1; END
BEGIN l: LOOP SELECT 1; LEAVE l; END LOOP; WHILE a DO SET a = REPLACE(b, 'update t', 'x'); END WHILE; RETURN a; END
lab: BEGIN /* insert */ SELECT 'delete from t'; END
RETURN (SELECT count(*) FROM t)
BEGIN SELECT `update` FROM `insert`; END
BEGIN PREPARE s FROM @x; EXECUTE s; END
BEGIN DECLARE c CURSOR FOR SELECT a FROM t; OPEN c; END
BEGIN REPEAT SET a = a + 1; UNTIL a > 1 END REPEAT; END
BEGIN SELECT TRUNCATE(1.5, 1); END
"""
WRITES = """
DELETE FROM t
BEGIN IF a > 1 THEN UPDATE t SET a = 1; END IF; END
BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION INSERT INTO log VALUES (1); SELECT 1; END
BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DELETE FROM log; END; SELECT 1; END
BEGIN CREATE TEMPORARY TABLE tmp (id int); INSERT INTO tmp VALUES (1); DELETE FROM t; END
BEGIN l: LOOP DELETE FROM t; LEAVE l; END LOOP; END
BEGIN CASE x WHEN 1 THEN SELECT 1; ELSE REPLACE INTO t VALUES (1); END CASE; END
SELECT * FROM t FOR UPDATE
BEGIN INSERT IGNORE INTO `t` SELECT 1; END
BEGIN SET @a = 1; TRUNCATE t; END
BEGIN /*!50000 DELETE FROM t */; END
"""
PROGRAMS = {
    ("PROCEDURE", "writer"): "BEGIN DELETE FROM t; END",
    ("PROCEDURE", "reader"): "BEGIN SELECT count(*) FROM t; END",
    ("PROCEDURE", "outer"): "BEGIN IF a THEN CALL Middle(1); END IF; END",
    ("PROCEDURE", "middle"): "BEGIN SELECT bump(1); CALL `outer`(); END",
    ("FUNCTION", "bump"): "BEGIN UPDATE t SET a = a + 1; RETURN 1; END",
    ("FUNCTION", "plain"): "RETURN a + 1",
    ("PROCEDURE", "elsewhere"): "CALL other.writer()",
}


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("body", lines(READS))
def test_a_body_that_reads(body: str) -> None:
    assert not body_writes(body)


@pytest.mark.parametrize("body", lines(WRITES))
def test_a_body_that_writes(body: str) -> None:
    assert body_writes(body)
    assert body_writes(body.lower())


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t", ()),
        ("call p", (Call("", "PROCEDURE", "p"),)),
        ("CALL `Shop`.`P`(1)", (Call("shop", "PROCEDURE", "p"),)),
        ("SELECT f(a), 'g(1)' -- h(1)\n FROM t /* i(1) */", (Call("", "FUNCTION", "f"),)),
    ],
)
def test_calls_of(sql: str, expected: tuple[Call, ...]) -> None:
    assert calls_of(sql) == expected


class TestRoutines:
    def make(self) -> tuple[Routines, list[str]]:
        asked: list[str] = []

        def read(database: str) -> Mapping[tuple[str, str], str]:
            asked.append(database)
            return PROGRAMS if database == "shop" else {("PROCEDURE", "writer"): "DELETE FROM t"}

        return Routines(read), asked

    @pytest.mark.parametrize(
        ("sql", "name"),
        [
            ("CALL writer()", "writer"),
            ("CALL reader()", ""),
            ("CALL outer()", "outer"),
            ("CALL elsewhere()", "elsewhere"),
            ("SELECT BUMP (a) FROM t", "bump"),
            ("SELECT plain(count(*)) FROM t", ""),
            ("SELECT 'bump(1)'", ""),
            ("CALL reader(bump(1))", "bump"),
        ],
    )
    def test_writing(self, sql: str, name: str) -> None:
        assert self.make()[0].writing("shop", sql) == name

    def test_a_database_is_read_once_and_only_for_calls(self) -> None:
        routines, asked = self.make()
        routines.writing("shop", "SELECT a FROM t")
        assert asked == []
        for _ in range(3):
            routines.writing("shop", "SELECT count(*) FROM t")
            routines.writing("shop", "CALL writer()")
        assert asked == ["shop"]

    def test_a_procedure_made_later_is_read(self) -> None:
        programs: dict[tuple[str, str], str] = {}
        routines = Routines(lambda _: dict(programs))
        assert routines.writing("shop", "CALL late()") == ""
        programs["PROCEDURE", "late"] = "DELETE FROM t"
        assert routines.writing("shop", "CALL late()") == "late"
