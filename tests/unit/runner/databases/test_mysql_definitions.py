import pytest

from harness.runner.databases.mysql_definitions import (
    as_pattern,
    commented,
    granted,
    moved,
    named,
    parsable,
    plain_trigger,
    with_row_format,
)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select `a`.`id` from `test`.`a`", "select `a`.`id` from `test_1`.`a`"),
        ("select `test`.`f`(1)", "select `test_1`.`f`(1)"),
        ("select '`test`.`a`'", "select '`test`.`a`'"),
        (r"select 'it\'s `test`.', `test`.`a`", r"select 'it\'s `test`.', `test_1`.`a`"),
        ("select 'it''s `test`.', `test`.`a`", "select 'it''s `test`.', `test_1`.`a`"),
        ('select "`test`.", `test`.`a`', 'select "`test`.", `test_1`.`a`'),
        ("select `test` from `test`.`test`", "select `test` from `test_1`.`test`"),
        ("select `a'b`.`c` from `test`.`a'b`", "select `a'b`.`c` from `test_1`.`a'b`"),
        ("create view `a'b` as select `test`.`c`", "create view `a'b` as select `test_1`.`c`"),
        (
            "select * from `other`.`a`, `test_2`.`a`, `a``test`.`a`",
            "select * from `other`.`a`, `test_2`.`a`, `a``test`.`a`",
        ),
    ],
)
def test_names_of_the_database_become_the_clones(sql: str, expected: str) -> None:
    assert moved(sql, "test", "test_1") == expected


def test_a_name_with_a_backtick_becomes_the_clones() -> None:
    assert moved("select * from `te``st`.`a`", "te`st", "te`st_1") == "select * from `te``st_1`.`a`"


TRIGGER = "CREATE DEFINER=`a b`@`%` TRIGGER {} BEFORE INSERT ON {} FOR EACH ROW SET @x = 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TRIGGER.format("`g`", "`t`"), TRIGGER.format("`g`", "`t`")),
        (TRIGGER.format("test.g", "test.t"), TRIGGER.format("`g`", "`t`")),
        (TRIGGER.format("`test` . `g`", "`t`"), TRIGGER.format("`g`", "`t`")),
        (TRIGGER.format("`a FOR EACH ROW b`", "test.`t`"), TRIGGER.format("`g`", "`t`")),
        (TRIGGER.format("/* FOR EACH ROW */ g", "test.t"), TRIGGER.format("`g`", "`t`")),
        (TRIGGER.format("Ã¼", "`t`") + "'ü'", TRIGGER.format("`g`", "`t`") + "'ü'"),
        (TRIGGER.format("test.g", "t").replace("FOR EACH", "for /* x */\neach"), TRIGGER.format("`g`", "`t`")),
        ("CREATE DEFINER=`test`@`%` TRIGGER g AFTER DELETE ON t FOR EACH ROW BEGIN END",) * 2,
        ("not to be read test.", "not to be read test."),
    ],
)
def test_a_trigger_names_no_database(text: str, expected: str) -> None:
    assert plain_trigger(text, "g", "BEFORE", "INSERT", "t", database="test") == expected


def test_a_definition_that_is_not_ascii_gets_its_name_again() -> None:
    head = "CREATE DEFINER=`a`@`%` {} `Ã¼`(x int) RETURN 'ü'"
    assert named(head.format("FUNCTION"), "ü") == "CREATE DEFINER=`a`@`%` FUNCTION `ü`(x int) RETURN 'ü'"
    assert named(head.format("PACKAGE BODY"), "b`c") == "CREATE DEFINER=`a`@`%` PACKAGE BODY `b``c`(x int) RETURN 'ü'"
    assert named("CREATE PROCEDURE `a`() SELECT 1", "b") == "CREATE PROCEDURE `a`() SELECT 1"


@pytest.mark.parametrize(
    ("mode", "comment", "expected"),
    [
        ("", "new\nline", r"COMMENT 'new\nline'"),
        ("NO_BACKSLASH_ESCAPES", "new\nline", "COMMENT 'new\nline'"),
        ("ANSI,NO_BACKSLASH_ESCAPES", "it's \\", "COMMENT 'it''s \\'"),
        ("", "ü", "COMMENT 'ü'"),
    ],
)
def test_a_comment_is_written_in_the_programs_mode(mode: str, comment: str, expected: str) -> None:
    text = r"CREATE EVENT `e` COMMENT 'as \\ it''s told' DO SELECT ' COMMENT ''x'' '"
    assert commented(text, comment, mode) == f"CREATE EVENT `e` {expected} DO SELECT ' COMMENT ''x'' '"
    assert commented(text, "", mode) == text


def test_an_event_has_no_clause_that_its_mode_cannot_parse() -> None:
    text = "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE DO SELECT 1"
    assert parsable(text, "") == text
    changed = parsable(text, "ANSI,HIGH_NOT_PRECEDENCE")
    assert changed == "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1"


def test_a_grant_names_a_database_or_its_pattern() -> None:
    names = ("test_shop", as_pattern("test_shop"))
    assert granted("GRANT SELECT ON `test_shop`.* TO `a`@`%`", names)
    assert granted(r"GRANT SELECT ON `test\_shop`.* TO `a`@`%`", names)
    assert granted("GRANT SELECT (`x`), UPDATE (`x`) ON `test_shop`.`t` TO `a`@`%`", names)
    assert not granted("GRANT ALL PRIVILEGES ON *.* TO `test_shop`@`%`", names)
    assert not granted(r"GRANT SELECT ON `test\_%`.* TO `a`@`%`", names)


def test_a_row_format_follows_the_engine() -> None:
    create = "CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB DEFAULT CHARSET=latin1\n/*!50100 PARTITION BY KEY () */"
    assert with_row_format(create, "Compact") == create.replace("ENGINE=InnoDB", "ENGINE=InnoDB ROW_FORMAT=COMPACT")
    assert (
        with_row_format("CREATE TABLE `t` (`x` int) ENGINE=CSV", "Compact") == "CREATE TABLE `t` (`x` int) ENGINE=CSV"
    )
