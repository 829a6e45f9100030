import datetime
import itertools
import uuid
from typing import Any

import pytest
from psycopg import Binary

from harness.runner.sql.parameters import SHOWN_CHARACTERS, VALUE_SIZE, VALUES, literal, shortened, shown

LARGE = b"x" * (4 << 20)
ORDINARY: list[Any] = [
    None,
    (),
    [],
    {},
    (1, "a", None, 1.5, b"bytes", True, uuid.UUID(int=1), datetime.date(2026, 1, 2)),
    [1, ["an", "array"]],
    {"name": "value", "other": (1, 2)},
    [(1, "a"), (2, "b")],
    ("x" * VALUE_SIZE,),
    (memoryview(b"x"), bytearray(b"y")),
    "no parameters at all",
]


class Silent:
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError


class TestShortened:
    @pytest.mark.parametrize("params", ORDINARY, ids=itertools.count())
    def test_ordinary_parameters_stay_the_same_object(self, params: Any) -> None:
        assert shortened(params) is params

    def test_a_short_value_in_a_drivers_wrapper_stays(self) -> None:
        params = (Binary(b"few"),)
        assert shortened(params) is params

    @pytest.mark.parametrize(
        "value", [LARGE, LARGE.decode(), bytearray(LARGE), memoryview(LARGE), Binary(LARGE)], ids=type
    )
    def test_a_large_value_is_cut_to_its_beginning(self, value: Any) -> None:
        number, short = shortened([1, value])
        assert number == 1
        assert len(short) == VALUE_SIZE
        assert shortened({"n": 1, "data": value}) == {"n": 1, "data": short}
        assert shortened([(1, value)]) == ((1, short),)

    @pytest.mark.parametrize(
        "params", [list(range(VALUES + 1)), {f"k{n}": n for n in range(VALUES + 1)}], ids=["list", "dict"]
    )
    def test_many_values_are_cut_to_the_first(self, params: Any) -> None:
        assert list(shortened(params)) == list(params)[:VALUES]

    def test_attributes_of_other_types_are_not_read(self) -> None:
        params = (Silent(),)
        assert shortened(params) is params


class TestShown:
    @pytest.mark.parametrize(("params", "text"), [((1, "a"), "(1, 'a')"), ([None, 1.5], "[None, 1.5]")])
    def test_small_parameters_are_printed_as_python_does(self, params: Any, text: str) -> None:
        assert shown(params) == text

    def test_a_repr_that_raises_leaves_the_name_of_the_type(self) -> None:
        assert "Unprintable" in shown((Unprintable(),))

    @pytest.mark.parametrize(
        "params", [(LARGE,), (LARGE.decode(),), list(range(100_000))], ids=["bytes", "str", "many"]
    )
    def test_large_parameters_are_printed_in_part(self, params: Any) -> None:
        assert len(shown(params)) <= SHOWN_CHARACTERS + 100


@pytest.mark.parametrize(
    ("value", "has_escapes", "sql"),
    [
        (None, False, "NULL"),
        (1.5, False, "1.5"),
        ("o'hara", False, "'o''hara'"),
        (datetime.date(2026, 1, 2), False, "'2026-01-02'"),
        (bytearray(b"\x00a"), False, "x'0061'"),
        ("a\\", False, "'a\\'"),
        ("a\\'", True, "'a\\\\'''"),
    ],
)
def test_a_value_becomes_an_sql_literal(value: Any, has_escapes: bool, sql: str) -> None:
    assert literal(value, has_escapes=has_escapes) == sql
