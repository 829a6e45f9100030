"""Clones on MySQL and MariaDB hold all that their template does, made by a driver and nothing else."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql
import pytest

from harness.runner.databases.mysql_clone import make_clone, read_schema
from harness.runner.databases.mysql_session import run_all
from tests.e2e import pairs

pytestmark = pytest.mark.docker

TEMPLATE = "te`st_shop"
CLONE = "te`st_shop_1"

COMMON = """
CREATE TABLE parent (id int AUTO_INCREMENT PRIMARY KEY, child_id int NULL, n int DEFAULT 4,
    name varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'x', text varchar(50) DEFAULT (concat('a', 'b')),
    twice int GENERATED ALWAYS AS (n * 2) STORED, thrice int GENERATED ALWAYS AS (n * 3) VIRTUAL, KEY (thrice),
    CHECK (n < 1000)) COMMENT 'no `te``st_shop`.x, it''s a comment'
CREATE TABLE child (id int AUTO_INCREMENT PRIMARY KEY, parent_id int NULL,
    CONSTRAINT to_parent FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE)
ALTER TABLE parent ADD CONSTRAINT to_child FOREIGN KEY (child_id) REFERENCES child (id)
INSERT INTO parent (id, name) VALUES (1, 'ü'), (7, '')
INSERT INTO child (id, parent_id) VALUES (1, 1), (2, 7)
UPDATE parent SET child_id = 2
CREATE TABLE counted (id int AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 777
CREATE TABLE zero (id int AUTO_INCREMENT PRIMARY KEY, at timestamp NULL)
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'
INSERT INTO zero VALUES (0, '2026-01-02 03:04:05'), (3, NULL)
CREATE TABLE old (day date NOT NULL DEFAULT '0000-00-00', id int PRIMARY KEY)
INSERT INTO old (id) VALUES (1)
CREATE TABLE plain (id int PRIMARY KEY) ENGINE=MyISAM
INSERT INTO plain VALUES (1), (2)
CREATE TABLE heard (id int PRIMARY KEY)
INSERT INTO heard VALUES (1), (2)
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)
    (PARTITION low VALUES LESS THAN (10), PARTITION high VALUES LESS THAN MAXVALUE)
INSERT INTO parts VALUES (1), (100)
CREATE TABLE hidden (x int, y int INVISIBLE)
INSERT INTO hidden (x, y) VALUES (1, 2)
CREATE TABLE other_set (s varchar(20) DEFAULT 'ü') DEFAULT CHARSET utf8mb4
CREATE FUNCTION next_of(x int) RETURNS int DETERMINISTIC RETURN x + 1
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'
CREATE DEFINER = 'someone'@'%' PROCEDURE "with mode"(IN x varchar(20)) SELECT x || "id" FROM parent
SET sql_mode = 'STRICT_TRANS_TABLES'
CREATE PROCEDURE `prücedure`() SELECT 'ü'
CREATE VIEW z_first AS SELECT id, name, next_of(id) AS following FROM parent
CREATE VIEW a_second AS SELECT z_first.id, heard.id AS other, 'te``st_shop`.x' AS text FROM z_first JOIN heard
CREATE DEFINER = 'someone'@'%' SQL SECURITY INVOKER VIEW m_third AS SELECT * FROM a_second WHERE id IN (SELECT id FROM child)
CREATE TRIGGER later BEFORE INSERT ON child FOR EACH ROW SET new.parent_id = coalesce(new.parent_id, 1)
CREATE TRIGGER sooner BEFORE INSERT ON child FOR EACH ROW PRECEDES later SET new.parent_id = new.parent_id
CREATE TRIGGER told AFTER INSERT ON parent FOR EACH ROW INSERT INTO heard VALUES (new.id + 1000)
SET time_zone = '+03:00'
ALTER DATABASE `te``st_shop` COLLATE utf8mb4_bin
CREATE FUNCTION other_collation(a varchar(9)) RETURNS int DETERMINISTIC RETURN a = 'A'
SET NAMES latin1 COLLATE latin1_german2_ci
CREATE TRIGGER `te``st_shop`.other_client AFTER DELETE ON `te``st_shop`.heard FOR EACH ROW SET @said = 'a'
SET NAMES utf8mb4
ALTER DATABASE `te``st_shop` COLLATE latin1_german1_ci
GRANT SELECT (id), UPDATE ON `te``st_shop`.parent TO 'someone'@'%'
GRANT EXECUTE ON FUNCTION `te``st_shop`.next_of TO 'someone'@'%'
GRANT SELECT ON `te``st_shop`.z_first TO 'someone'@'%'
SET innodb_strict_mode = 0
CREATE TABLE lax (id int PRIMARY KEY) ENGINE=InnoDB ROW_FORMAT=FIXED
CREATE TABLE octets (x binary(4) DEFAULT x'fffe00', y varbinary(9) DEFAULT x'27ff5c0a')
INSERT INTO octets VALUES ()
CREATE VIEW other_letters AS SELECT _latin1 x'e9' AS letter, _binary'\udcff' AS octet
CREATE FUNCTION octet() RETURNS varbinary(9) DETERMINISTIC RETURN concat(_binary'\udcff', 'ü')
CREATE TRIGGER other_letter BEFORE DELETE ON child FOR EACH ROW SET @letter = _latin1'\udce9'
CREATE EVENT later ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DISABLE DO SET @letter = _latin1'\udce9'
CREATE EVENT cleaning ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DISABLE COMMENT 'c' DO DELETE FROM plain
"""
MYSQL_ONLY = """
SET sql_generate_invisible_primary_key = 1
CREATE TABLE without_key (x int)
INSERT INTO without_key VALUES (4)
CREATE TABLE by_expression (id int PRIMARY KEY, name varchar(20), j json, KEY ((lower(name))),
    KEY ((CAST(j->'$.a' AS UNSIGNED ARRAY))))
INSERT INTO by_expression VALUES (1, 'A', '{"a": [1, 2]}')
CREATE TABLE places (at point NOT NULL SRID 4326, SPATIAL INDEX (at))
INSERT INTO places VALUES (ST_SRID(POINT(1, 2), 4326))
SET restrict_fk_on_non_standard_key = 0
CREATE TABLE keyed (id int PRIMARY KEY, n int, KEY (n))
CREATE TABLE to_other_key (x int, FOREIGN KEY (x) REFERENCES keyed (n))
"""
MARIADB_ONLY = """
CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 3 CACHE 1
SELECT NEXTVAL(numbers)
CREATE TABLE numbered (id int DEFAULT NEXTVAL(numbers), x int)
INSERT INTO numbered (x) VALUES (1)
CREATE TABLE versioned (x int) WITH SYSTEM VERSIONING
INSERT INTO versioned VALUES (1)
UPDATE versioned SET x = 2
CREATE TABLE emptied (x int, since timestamp(6) GENERATED ALWAYS AS ROW START, until timestamp(6) GENERATED ALWAYS AS ROW END,
    PERIOD FOR SYSTEM_TIME (since, until)) WITH SYSTEM VERSIONING
INSERT INTO emptied (x) VALUES (1)
DELETE FROM emptied
CREATE TABLE by_transaction (x int, since bigint unsigned GENERATED ALWAYS AS ROW START,
    until bigint unsigned GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (since, until)) WITH SYSTEM VERSIONING ENGINE=InnoDB
INSERT INTO by_transaction (x) VALUES (1)
UPDATE by_transaction SET x = 2
CREATE SEQUENCE short MAXVALUE 2 NOCACHE
SELECT NEXTVAL(short)
SELECT NEXTVAL(short)
INSERT INTO old VALUES ('2024-01-01', 5)
SET check_constraint_checks = 0
ALTER TABLE old ADD CONSTRAINT CHECK (id > 2)
"""


def statements(text: str) -> list[str]:
    return [line for line in text.replace("\n    ", " ").splitlines() if line]


@pytest.fixture(scope="module", params=pairs.ENGINES, ids=lambda engine: engine.name)
def pair(request: pytest.FixtureRequest) -> Iterator[pairs.Pair]:
    with pairs.running(request.param) as pair:
        yield pair


@pytest.fixture
def template(pair: pairs.Pair) -> Iterator[pairs.Session]:
    """A session in a template that has all of the above."""
    with pair.session() as session:
        session.run(
            f"DROP DATABASE IF EXISTS {quoted(TEMPLATE)}",
            f"CREATE DATABASE {quoted(TEMPLATE)} CHARACTER SET latin1 COLLATE latin1_german1_ci",
            f"USE {quoted(TEMPLATE)}",
            "DROP USER IF EXISTS 'someone'@'%'",
            "CREATE USER 'someone'@'%'",
            *statements(COMMON + (MYSQL_ONLY if pair.engine.name == "mysql" else MARIADB_ONLY)),
        )
        yield session


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def clone(pair: pairs.Pair) -> None:
    with contextlib.closing(pair.connect()) as connection:
        make_clone(connection, read_schema(connection, TEMPLATE), CLONE)


def contents(pair: pairs.Pair, database: str) -> dict[Any, Any]:
    """All definitions and rows of a database, by what they are of."""
    found: dict[Any, Any] = {}
    with pair.session() as session:
        session.run("SET sql_mode = ''", f"USE {quoted(database)}")
        found["database"] = session.run("SELECT @@character_set_database, @@collation_database")
        for name, kind in session.run(
            "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        ):
            what = "VIEW" if kind == "VIEW" else "TABLE"
            # the server writes a column's character set where it was written before, though it is the table's
            (created, *_), *_ = [row[1:] for row in session.run(f"SHOW CREATE {what} {quoted(name)}")]
            found[what, name] = created.replace(" CHARACTER SET latin1", "").replace(
                f"nextval({quoted(database)}.", "nextval("
            )
            if "PERIOD FOR SYSTEM_TIME" in created and "bigint" not in created:
                found["history", name] = sorted(
                    session.run(f"SELECT *, since, until FROM {quoted(name)} FOR SYSTEM_TIME ALL")
                )
            elif "SYSTEM VERSIONING" in created and "bigint" not in created:
                found["history", name] = session.run(
                    f"SELECT *, row_start, row_end FROM {quoted(name)} FOR SYSTEM_TIME ALL ORDER BY row_start"
                )
            if name == "by_transaction":
                found["rows", name] = session.run("SELECT x FROM by_transaction")
            elif name != "m_third":  # its definer may not read it
                found["rows", name] = sorted(session.run(f"SELECT * FROM {quoted(name)}"), key=repr)
        for kind, name in session.run(
            "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()"
        ):
            found[kind, name] = session.run(f"SHOW CREATE {kind} {quoted(name)}")
        for name, *trigger in session.run("SHOW TRIGGERS"):
            found["TRIGGER", name] = [*trigger[:4], *trigger[5:]]  # without the time of its making
        for (name,) in session.run("SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()"):
            found["EVENT", name] = session.run(f"SHOW CREATE EVENT {quoted(name)}")
        database_of_grants = quoted(database.replace("_", "\\_")), quoted(database)
        found["grants"] = sorted(
            line.replace(f"{name}.", "")
            for (line,) in session.run("SHOW GRANTS FOR 'someone'@'%'")
            for name in database_of_grants
            if f" {name}." in line
        )
        found["order"] = session.run(
            "SELECT TRIGGER_NAME, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1"
        )
    return found


def test_a_clone_has_all_that_its_template_has(pair: pairs.Pair, template: pairs.Session) -> None:
    clone(pair)
    expected, made = contents(pair, TEMPLATE), contents(pair, CLONE)
    assert expected.keys() == made.keys()
    for key, value in expected.items():
        assert made[key] == value, key
    assert len(made) > 40
    assert len(made["grants"]) == 3


def test_a_clone_works_by_itself(pair: pairs.Pair, template: pairs.Session) -> None:
    clone(pair)
    with pair.session(database=CLONE) as session:
        session.run("INSERT INTO child VALUES ()", "INSERT INTO counted VALUES ()", "INSERT INTO parent (n) VALUES (5)")
        assert session.run("SELECT * FROM child ORDER BY id") == ((1, 1), (2, 7), (3, 1))
        assert session.run("SELECT * FROM counted") == ((777,),)
        assert session.run("SELECT id, twice, thrice FROM parent WHERE n = 5") == ((8, 10, 15),)
        assert session.run("SELECT MAX(other) FROM a_second") == ((1008,),)  # its own rows, not the template's
        with pytest.raises(Exception, match=r"(?i)check constraint|CONSTRAINT_1"):
            session.run("INSERT INTO parent (n) VALUES (1000)")
        session.run(
            "DELETE FROM child WHERE id = 3", "UPDATE parent SET child_id = NULL", "DELETE FROM parent WHERE id = 7"
        )
        assert session.run("SELECT id FROM child") == ((1,),)
    assert template.run("SELECT COUNT(*) FROM parent") == ((2,),)


def test_a_mariadb_clone_counts_on_by_itself(pair: pairs.Pair, template: pairs.Session) -> None:
    if pair.engine.name != "mariadb":
        with pytest.raises(Exception, match="SEQUENCE"):
            template.run("CREATE SEQUENCE numbers")
        return
    clone(pair)
    with pair.session(database=CLONE) as session:
        session.run("INSERT INTO numbered (x) VALUES (2)")
        assert session.run("SELECT id, x FROM numbered ORDER BY x") == ((8, 1), (11, 2))
        with pytest.raises(pymysql.Error, match="run out"):
            session.run("SELECT NEXTVAL(short)")
    assert template.run("SELECT NEXTVAL(numbers)") == ((11,),)
    # the values that the server has in reserve come next in each clone, and in the template
    template.run("CREATE SEQUENCE cached START 100 INCREMENT 10", "SELECT NEXTVAL(cached)", "SELECT NEXTVAL(cached)")
    make_side_by_side(pair)
    following = [template.run(f"SELECT NEXTVAL(side_{slot}.cached)") for slot in range(4)]
    assert [*following, template.run("SELECT NEXTVAL(cached)")] == [((120,),)] * 5


def test_a_statement_that_is_refused_is_reported_with_the_error(pair: pairs.Pair, template: pairs.Session) -> None:
    with contextlib.closing(pair.connect()) as connection, connection.cursor() as cursor:
        make_clone(connection, read_schema(connection, TEMPLATE), CLONE)
        with pytest.raises(pymysql.Error) as caught:
            list(run_all(cursor, ["SELECT 1", "SELECT nothing FROM nowhere", "SELECT 2"]))
    assert caught.value.__notes__ == ["SELECT nothing FROM nowhere"]


def test_an_unreadable_view_is_not_in_the_clone(pair: pairs.Pair, template: pairs.Session) -> None:
    template.run("CREATE TABLE gone (id int)", "CREATE VIEW broken AS SELECT * FROM gone", "DROP TABLE gone")
    clone(pair)
    assert ("VIEW", "a_second") in contents(pair, CLONE)
    with pair.session(database=CLONE) as session:
        assert "broken" not in [name for (name, *_) in session.run("SHOW TABLES")]


def sleep_until_cut_off(session: pairs.Session) -> None:
    with contextlib.suppress(pymysql.Error):
        session.run("SELECT SLEEP(600) FROM counted")


def test_the_clone_and_sessions_of_an_earlier_worker_go(pair: pairs.Pair, template: pairs.Session) -> None:
    clone(pair)
    with pair.session(database=CLONE) as dead, pair.session() as watch:
        dead.run("INSERT INTO counted VALUES ()", "BEGIN", "UPDATE counted SET id = 900")
        stuck = threading.Thread(target=sleep_until_cut_off, args=[dead])
        stuck.start()
        while "SLEEP(600)" not in str(watch.run("SHOW FULL PROCESSLIST")):
            pass
        clone(pair)
        stuck.join(60)
        assert not stuck.is_alive()
    with pair.session(database=CLONE) as session:
        assert session.run("SELECT * FROM counted") == ()


def make_side_by_side(pair: pairs.Pair) -> None:
    with contextlib.closing(pair.connect()) as connection:
        schema = read_schema(connection, TEMPLATE)

    def make(slot: int) -> None:
        with contextlib.closing(pair.connect()) as connection:
            make_clone(connection, schema, f"side_{slot}")

    with ThreadPoolExecutor() as pool:
        list(pool.map(make, range(4)))


def test_slots_make_their_clones_side_by_side(pair: pairs.Pair, template: pairs.Session) -> None:
    make_side_by_side(pair)
    expected = contents(pair, TEMPLATE)
    for slot in range(4):
        assert contents(pair, f"side_{slot}") == expected
