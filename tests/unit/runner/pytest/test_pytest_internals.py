"""Fixtures and tests without parameters are known at once; all others are as pytest knows them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from unittest import mock

import pytest
from _pytest import fixtures

from harness.runner.pytest.pytest_internals import quicken_fixtures

GET_NAMES = "getfuncargnames"


def plain() -> None: ...


def with_parameters(a: int, b: int = 0, *, c: int) -> None: ...


def with_rest(*rest: int, **more: int) -> None: ...


@functools.wraps(with_parameters)
def wrapped() -> None: ...


@mock.patch("os.getpid")
def patched(getpid: object, db: object) -> None: ...


@pytest.fixture
def names_of(monkeypatch: pytest.MonkeyPatch) -> tuple[Callable[..., object], list[object]]:
    """The function that pytest then calls, and the functions for which it still asks its own."""
    asked: list[object] = []
    own = getattr(fixtures, GET_NAMES)

    def recorded(function: object, *args: object, **options: object) -> object:
        asked.append(function)
        return own(function, *args, **options)

    monkeypatch.setattr(fixtures, GET_NAMES, recorded)
    quicken_fixtures()
    return getattr(fixtures, GET_NAMES), asked


def test_one_without_parameters_is_not_inspected(names_of: tuple[Callable[..., object], list[object]]) -> None:
    find, asked = names_of
    assert (find(plain), find(lambda: plain, name="request"), asked) == ((), (), [])


@pytest.mark.parametrize(
    ("function", "names"),
    [(with_parameters, ("a", "c")), (with_rest, ()), (wrapped, ("a", "c")), (patched, ("db",))],
)
def test_any_other_is_as_pytest_has_it(
    names_of: tuple[Callable[..., object], list[object]], function: object, names: tuple[str, ...]
) -> None:
    find, asked = names_of
    assert find(function) == names
    assert asked == [function]
