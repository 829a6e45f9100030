import pytest

from harness.runner.databases.mysql_schema import Program, Schema, parents_first


def table(*parents: str) -> str:
    keys = "".join(f",\n  CONSTRAINT `c` FOREIGN KEY (`x`) REFERENCES {parent} (`id`)" for parent in parents)
    return f"CREATE TABLE `t` (\n  `id` int{keys}\n) ENGINE=InnoDB"


def test_tables_come_after_those_that_they_refer_to() -> None:
    creates = {"a": table("`c`", "`b`"), "b": table("`c`"), "c": table(), "d": table("`a`")}
    assert parents_first(creates) == ["c", "b", "a", "d"]


def test_a_chain_of_thousands_is_followed() -> None:
    creates = {str(number): table(f"`{number + 1}`") for number in range(5000)} | {"5000": table()}
    assert parents_first(creates) == [str(number) for number in range(5000, -1, -1)]


@pytest.mark.parametrize("creates", [{"a": table("`a`")}, {"a": table("`b`"), "b": table("`c`"), "c": table("`a`")}])
def test_circles_have_every_table_once(creates: dict[str, str]) -> None:
    assert sorted(parents_first(creates)) == sorted(creates)


def test_quoted_names_are_read_and_other_tables_ignored() -> None:
    creates = {"first": table("`na``me`", "`elsewhere`"), "na`me": table()}
    assert parents_first(creates) == ["na`me", "first"]


SCHEMA = Schema(
    "test_shop",
    options="",
    collation="utf8mb4_bin",
    sequences=["CREATE SEQUENCE `s`"],
    tables=["CREATE TABLE `t` (`n` int DEFAULT (`test_shop`.`f`()), `c` text DEFAULT '`test_shop`.')"],
    rows=["INSERT INTO `t` (`n`) SELECT `n` FROM `test_shop`.`t`"],
    routines=[Program("CREATE FUNCTION `f`() RETURNS int RETURN 1", {})],
    grants=[
        Program("GRANT SELECT ON `test_shop`.`t` TO `u`@`%`", {}),
        Program(r"GRANT ALL ON `test\_shop`.* TO `u`@`%`", {}),
    ],
    views=[Program("CREATE VIEW `v` AS select `test_shop`.`f`() AS `x` from `t`", {"sql_mode": "ANSI"})],
    triggers_and_events=[Program("CREATE TRIGGER `r` BEFORE INSERT ON `t` FOR EACH ROW SET @x = 1", {})],
)


class TestForClone:
    def test_definitions_name_the_clone(self) -> None:
        clone = SCHEMA.for_clone("test_shop_2")
        assert clone.tables == [SCHEMA.tables[0].replace("(`test_shop`.", "(`test_shop_2`.")]
        assert clone.views == [
            Program("CREATE VIEW `v` AS select `test_shop_2`.`f`() AS `x` from `t`", {"sql_mode": "ANSI"})
        ]
        assert [grant.create for grant in clone.grants] == [
            "GRANT SELECT ON `test_shop_2`.`t` TO `u`@`%`",
            r"GRANT ALL ON `test\_shop\_2`.* TO `u`@`%`",
        ]

    def test_rows_come_from_the_template(self) -> None:
        assert SCHEMA.for_clone("test_shop_2").rows == SCHEMA.rows
