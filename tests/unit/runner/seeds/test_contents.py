import datetime
from typing import Any

import pytest

from harness.runner.seeds.contents import Contents, Table, differences

NOW = datetime.datetime(2026, 5, 1, 12, 0, tzinfo=datetime.UTC)


def of(rows: list[tuple[Any, ...]], objects: dict[str, str] | None = None, begun_at: float = 0.0) -> Contents:
    return Contents(objects or {}, {"shop_item": Table(("id", "name"), tuple(rows))}, begun_at)


def test_equal_contents_have_no_difference() -> None:
    assert differences(of([(1, "a")], {"table x": "y"}), of([(1, "a")], {"table x": "y"})) == []


def test_the_first_row_that_differs_is_shown() -> None:
    assert differences(of([(1, "a"), (2, "b"), (3, "c")]), of([(1, "a"), (2, "x"), (3, "y")])) == [
        "shop_item: cached id=2, name='b'",
        "              new id=2, name='x'",
    ]
    assert differences(of([(1, "a")]), of([]))[1] == "              new has no such row"


def test_objects_that_differ_or_are_missing_are_shown() -> None:
    lines = differences(of([], {"index a": "1", "index b": "1"}), of([], {"index a": "2", "index c": "1"}))
    assert lines == [
        "index a: cached 1",
        "            new 2",
        "index b: only in the cached database",
        "index c: only in the new database",
    ]


@pytest.mark.parametrize(
    "value", [NOW, NOW.replace(tzinfo=None), "2026-05-01 12:00:00.123456", "2026-05-01T12:00:00+00:00"]
)
def test_a_time_that_the_build_took_from_the_clock_is_none(value: Any) -> None:
    cached = (
        datetime.datetime(2025, 1, 1, tzinfo=NOW.tzinfo)
        if isinstance(value, datetime.datetime)
        else "2025-01-01 00:00:00"
    )
    begun_at = NOW.timestamp() - 1
    assert differences(of([(1, cached)]), of([(1, value)], begun_at=begun_at)) == []
    assert differences(of([(1, cached)]), of([(1, value)], begun_at=begun_at + 3600)) != []
    assert differences(of([(1, "a")]), of([(1, NOW)], begun_at=begun_at)) != []
