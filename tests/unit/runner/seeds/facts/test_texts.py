import datetime
import decimal
import functools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.db import models
from django.utils.functional import lazystr

from harness.runner.seeds.facts.texts import Texts

TEXTS = Texts("/project")


class Plain:
    def __init__(self, value: Any) -> None:
        self.value = value


def receiver(value: int = 3) -> int:
    return value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        ("a", "b"),
        (1, True),
        ([1], (1,)),
        ({"a": 1}, {"a": 2}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Path("/a"), "/a"),
        (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
        (datetime.timedelta(1), datetime.timedelta(2)),
        (Plain(1), Plain(2)),
        (Plain([1]), Plain([2])),
        (models.CharField(max_length=2), models.CharField(max_length=3)),
        (models.IntegerField(default=receiver), models.IntegerField(default=dict)),
        (functools.partial(receiver, 1), functools.partial(receiver, 2)),
        (lazystr("a"), lazystr("b")),
    ],
)
def test_different_values_have_different_texts(one: Any, other: Any) -> None:
    assert TEXTS.of(one) != TEXTS.of(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"a", "b", "c"},
        lambda: Plain(Plain(object)),
        lambda: models.Index(fields=["a"], name="b"),
        lambda: functools.partial(receiver, 1),
        lambda: object(),
        lambda: receiver,
        lambda: Plain(1).__init__,  # type: ignore[misc]  # a bound method
    ],
)
def test_equal_values_have_equal_texts_without_addresses(make: Any) -> None:
    assert TEXTS.of(make()) == TEXTS.of(make())
    assert " at 0x" not in TEXTS.of(make())


def test_a_checkout_elsewhere_gives_the_same_text() -> None:
    value = {"dirs": [Path("/project/templates"), "/project/static"]}
    assert "/project" not in TEXTS.of(value)


def test_values_of_a_closure_count() -> None:
    def made(value: Any) -> Any:
        return lambda: value

    assert TEXTS.of(made(1)) != TEXTS.of(made(2))


def test_a_circle_ends() -> None:
    one = Plain(None)
    one.value = one
    assert TEXTS.of(one)


def test_the_order_of_choices_does_not_count() -> None:
    one: Any = models.CharField(choices=[("a", "a"), ("b", "b")])
    other: Any = models.CharField(choices=[("b", "b"), ("a", "a")])
    assert TEXTS.of(one) == TEXTS.of(other)
    assert TEXTS.of(one) != TEXTS.of(models.CharField(choices=[("a", "a")]))


def test_a_temporary_folder_of_this_run_has_no_name(tmp_path: Path) -> None:
    made, other = (f"{tempfile.gettempdir()}/{name}" for name in ("tmpabcd1234", "tmpefgh5678"))
    texts = Texts("/project", lambda path: path in (made, other))
    assert texts.of(f"{made}/media") == texts.of(f"{other}/media")
    assert texts.of(Path(made)) == texts.of(Path(other))
    assert texts.of(f"{made}/media") != texts.of(f"{made}/static")
    assert TEXTS.of(f"{made}/media") != TEXTS.of(f"{other}/media")
