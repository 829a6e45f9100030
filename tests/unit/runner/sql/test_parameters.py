"""Of parameters no more is kept than is shown."""

import datetime
import itertools
import uuid

import pytest
from psycopg import Binary

from harness.runner.sql.parameters import SHOWN_CHARACTERS, VALUE_SIZE, VALUES, kept, literal, shown

LARGE = b"x" * (4 << 20)
ORDINARY = [
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


@pytest.mark.parametrize("params", ORDINARY, ids=itertools.count())
def test_ordinary_ones_are_kept_as_they_are(params) -> None:
    assert kept(params) is params


def test_what_a_driver_wraps_is_kept_as_it_is() -> None:
    params = (Binary(b"few"),)
    assert kept(params) is params


@pytest.mark.parametrize("value", [LARGE, LARGE.decode(), bytearray(LARGE), memoryview(LARGE), Binary(LARGE)], ids=type)
def test_of_a_large_value_the_beginning_is_kept(value) -> None:
    number, short = kept([1, value])
    assert number == 1
    assert len(short) == VALUE_SIZE
    assert kept({"n": 1, "data": value}) == {"n": 1, "data": short}
    assert kept([(1, value)]) == ((1, short),)


@pytest.mark.parametrize(
    "params", [list(range(VALUES + 1)), {f"k{n}": n for n in range(VALUES + 1)}], ids=["list", "dict"]
)
def test_of_very_many_the_first_are_kept(params) -> None:
    assert list(kept(params)) == list(params)[:VALUES]


class Silent:
    def __getattribute__(self, name):
        raise AssertionError(name)


def test_values_of_other_kinds_are_not_asked_anything() -> None:
    params = (Silent(),)
    assert kept(params) is params


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ((1, "a"), "(1, 'a')"),
        ([None, 1.5], "[None, 1.5]"),
    ],
)
def test_they_are_told_in_words(params, words: str) -> None:
    assert shown(params) == words


def test_one_that_cannot_be_printed_is_told_of_all_the_same() -> None:
    assert "Unprintable" in shown((Unprintable(),))


@pytest.mark.parametrize("params", [(LARGE,), (LARGE.decode(),), list(range(100_000))], ids=["bytes", "str", "many"])
def test_large_ones_are_told_in_few_words(params) -> None:
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
def test_values_are_written_as_sql(value, has_escapes: bool, sql: str) -> None:
    assert literal(value, has_escapes=has_escapes) == sql
