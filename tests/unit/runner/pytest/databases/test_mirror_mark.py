from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.runner.pytest.databases.mirror_mark import marked_mode
from harness.testing import mirrors


def item(*marks: Any, cls: type | None = None, function: Any = None) -> Any:
    """A stand-in for an item of pytest."""
    return SimpleNamespace(
        get_closest_marker=lambda name: next((each for each in marks if each.name == name), None),
        cls=cls,
        function=function,
    )


def mark(*args: str, **kwargs: str) -> Any:
    return SimpleNamespace(name="harness_mirrors", args=args, kwargs=kwargs)


class OnTheReplica:
    harness_mirrors = "replica"


@pytest.mark.parametrize("mode", ["replica", "primary", "auto", "strict"])
def test_the_mark_names_the_mode(mode: str) -> None:
    assert marked_mode(item(mark(mode))) == mode
    assert marked_mode(item(mark(mode=mode))) == mode


def test_the_mark_goes_before_the_class() -> None:
    assert marked_mode(item(cls=OnTheReplica)) == "replica"
    assert marked_mode(item(mark("primary"), cls=OnTheReplica)) == "primary"


def test_a_decorated_function_goes_before_its_class() -> None:
    @mirrors("primary")
    def test() -> None: ...

    assert marked_mode(item(cls=OnTheReplica, function=test)) == "primary"
    assert marked_mode(item(mark("strict"), cls=OnTheReplica, function=test)) == "strict"


def test_without_either_there_is_none() -> None:
    assert marked_mode(item()) is None
    assert marked_mode(item(cls=object)) is None


@pytest.mark.parametrize("wrong", [mark("both"), mark("replica", "primary"), mark()])
def test_another_mode_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match='"replica", "primary", "strict" or "auto" is needed'):
        marked_mode(item(wrong))
