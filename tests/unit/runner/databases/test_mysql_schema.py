"""In which order a MySQL template is made again, and for which database."""

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
from harness.runner.databases.mysql_schema import parents_first


def table(*parents) -> str:
    keys = "".join(f",\n  CONSTRAINT `c` FOREIGN KEY (`x`) REFERENCES {parent} (`id`)" for parent in parents)
    return f"CREATE TABLE `t` (\n  `id` int{keys}\n) ENGINE=InnoDB"


def test_tables_come_behind_those_that_they_refer_to() -> None:
    creates = {"a": table("`c`", "`b`"), "b": table("`c`"), "c": table(), "d": table("`a`")}
    assert parents_first(creates) == ["c", "b", "a", "d"]


def test_a_chain_of_thousands_is_followed() -> None:
    creates = {str(number): table(f"`{number + 1}`") for number in range(5000)} | {"5000": table()}
    assert parents_first(creates) == [str(number) for number in range(5000, -1, -1)]


@pytest.mark.parametrize("creates", [{"a": table("`a`")}, {"a": table("`b`"), "b": table("`c`"), "c": table("`a`")}])
def test_circles_have_every_table_once(creates) -> None:
    assert sorted(parents_first(creates)) == sorted(creates)


def test_names_are_read_as_they_are_quoted_and_others_left_alone() -> None:
    creates = {"first": table("`na``me`", "`elsewhere`"), "na`me": table()}
    assert parents_first(creates) == ["na`me", "first"]


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
def test_names_are_moved_to_the_clone(sql: str, expected: str) -> None:
    assert moved(sql, "test", "test_1") == expected


def test_a_name_with_a_backtick_is_moved_too() -> None:
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
def test_a_trigger_is_written_for_whatever_database_is_in_use(text, expected) -> None:
    assert plain_trigger(text, "g", "BEFORE", "INSERT", "t", database="test") == expected


def test_a_definition_that_is_not_ascii_has_its_name_anew() -> None:
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
def test_a_comment_is_told_as_the_programs_mode_wants_it(mode: str, comment: str, expected: str) -> None:
    text = r"CREATE EVENT `e` COMMENT 'as \\ it''s told' DO SELECT ' COMMENT ''x'' '"
    assert commented(text, comment, mode) == f"CREATE EVENT `e` {expected} DO SELECT ' COMMENT ''x'' '"
    assert commented(text, "", mode) == text


def test_an_event_leaves_out_what_its_mode_does_not_parse() -> None:
    text = "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE DO SELECT 1"
    assert parsable(text, "") == text
    changed = parsable(text, "ANSI,HIGH_NOT_PRECEDENCE")
    assert changed == "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1"


def test_grants_on_a_database_are_found_by_its_name_and_its_pattern() -> None:
    names = ("test_shop", as_pattern("test_shop"))
    assert granted("GRANT SELECT ON `test_shop`.* TO `a`@`%`", names)
    assert granted(r"GRANT SELECT ON `test\_shop`.* TO `a`@`%`", names)
    assert granted("GRANT SELECT (`x`), UPDATE (`x`) ON `test_shop`.`t` TO `a`@`%`", names)
    assert not granted("GRANT ALL PRIVILEGES ON *.* TO `test_shop`@`%`", names)
    assert not granted(r"GRANT SELECT ON `test\_%`.* TO `a`@`%`", names)


def test_a_row_format_is_said_behind_the_engine() -> None:
    create = table("`b`") + " DEFAULT CHARSET=latin1\n/*!50100 PARTITION BY KEY () */"
    assert with_row_format(create, "Compact") == create.replace("ENGINE=InnoDB", "ENGINE=InnoDB ROW_FORMAT=COMPACT")
    assert (
        with_row_format("CREATE TABLE `t` (`x` int) ENGINE=CSV", "Compact") == "CREATE TABLE `t` (`x` int) ENGINE=CSV"
    )
