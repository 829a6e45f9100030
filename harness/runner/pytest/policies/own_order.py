"""Finds out whether a plugin or a ``conftest.py`` changes the order of the items, which then stays as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_KNOWN = ("_pytest", "pytest_django", "xdist", __name__.partition(".")[0])
"""Packages whose order follows from fixtures and databases alone, which the plan keeps by itself."""


@contextlib.contextmanager
def orders_watched(hook: Any, note: Callable[[], None]) -> Iterator[None]:
    """Call *note* if an implementation of ``pytest_collection_modifyitems`` in *hook* changes the order of items in the block.

    Leaving items out, or adding some, is no change. A wrapper of these implementations counts as one that does.
    """
    implementations = hook.pytest_collection_modifyitems.get_hookimpls()
    before = [(each, each.function) for each in implementations if not _is_known(each.function)]
    for implementation, function in before:
        is_generator = implementation.hookwrapper or getattr(implementation, "wrapper", False)
        if is_generator:
            note()
        elif "items" in implementation.argnames:
            implementation.function = _watched(function, list(implementation.argnames).index("items"), note)
    try:
        yield
    finally:
        for implementation, function in before:
            implementation.function = function


def _watched(function: Callable[..., Any], place: int, note: Callable[[], None]) -> Callable[..., Any]:
    def watched(*args: Any) -> Any:
        items = args[place]
        before = list(items)
        result = function(*args)
        if is_reordered(before, items):
            note()
        return result

    return watched


def is_reordered(before: Sequence[object], after: Sequence[object]) -> bool:
    """Whether the items that are in both have another order in *after*."""
    places = {id(item): number for number, item in enumerate(before)}
    kept = [places[id(item)] for item in after if id(item) in places]
    return kept != sorted(kept)


def _is_known(function: Callable[..., Any]) -> bool:
    return (getattr(function, "__module__", None) or "").partition(".")[0] in _KNOWN
