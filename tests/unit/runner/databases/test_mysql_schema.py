import pytest

from harness.runner.databases.mysql_schema import parents_first


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
