"""In which order a MySQL template is made again, and for which database."""

import pytest

from harness.inside.mysql_schema import moved, parents_first


def table(*parents):
    keys = "".join(f",\n  CONSTRAINT `c` FOREIGN KEY (`x`) REFERENCES {parent} (`id`)" for parent in parents)
    return f"CREATE TABLE `t` (\n  `id` int{keys}\n) ENGINE=InnoDB"


def test_tables_come_behind_those_that_they_refer_to():
    creates = {"a": table("`c`", "`b`"), "b": table("`c`"), "c": table(), "d": table("`a`")}
    assert parents_first(creates) == ["c", "b", "a", "d"]


def test_a_chain_of_thousands_is_followed():
    creates = {str(number): table(f"`{number + 1}`") for number in range(5000)} | {"5000": table()}
    assert parents_first(creates) == [str(number) for number in range(5000, -1, -1)]


@pytest.mark.parametrize("creates", [{"a": table("`a`")}, {"a": table("`b`"), "b": table("`c`"), "c": table("`a`")}])
def test_circles_have_every_table_once(creates):
    assert sorted(parents_first(creates)) == sorted(creates)


def test_names_are_read_as_they_are_quoted_and_others_left_alone():
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
        (
            "select * from `other`.`a`, `test_2`.`a`, `a``test`.`a`",
            "select * from `other`.`a`, `test_2`.`a`, `a``test`.`a`",
        ),
    ],
)
def test_names_are_moved_to_the_clone(sql, expected):
    assert moved(sql, "test", "test_1") == expected


def test_a_name_with_a_backtick_is_moved_too():
    assert moved("select * from `te``st`.`a`", "te`st", "te`st_1") == "select * from `te``st_1`.`a`"
