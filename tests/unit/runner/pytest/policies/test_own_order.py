from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pluggy
import pytest

from harness.runner.pytest.policies.own_order import is_reordered, orders_watched

spec, implementation = pluggy.HookspecMarker("t"), pluggy.HookimplMarker("t")


class Spec:
    @spec
    def pytest_collection_modifyitems(self, config: object, items: list[int]) -> None: ...


class Sorts:
    @implementation
    def pytest_collection_modifyitems(self, items: list[int]) -> None:
        items.sort()


class LeavesOut:
    @implementation
    def pytest_collection_modifyitems(self, config: object, items: list[int]) -> None:
        items[:] = items[1:]


class Wraps:
    @implementation(wrapper=True)
    def pytest_collection_modifyitems(self) -> Iterator[None]:
        return (yield)


class OfPytest:
    @implementation
    def pytest_collection_modifyitems(self, items: list[int]) -> None:
        items.reverse()


OfPytest.pytest_collection_modifyitems.__module__ = "_pytest.fixtures"


@pytest.mark.parametrize(
    ("plugin", "noted"), [(Sorts(), True), (LeavesOut(), False), (Wraps(), True), (OfPytest(), False)]
)
def test_a_plugin_that_changes_the_order_is_noted(plugin: object, noted: bool) -> None:
    manager = pluggy.PluginManager("t")
    manager.add_hookspecs(Spec)
    manager.register(plugin)
    notes: list[int] = []
    items = [3, 1, 2]
    functions = [each.function for each in manager.hook.pytest_collection_modifyitems.get_hookimpls()]
    with orders_watched(SimpleNamespace(**vars(manager.hook)), lambda: notes.append(1)):
        manager.hook.pytest_collection_modifyitems(config=None, items=items)
    assert bool(notes) is noted
    assert [each.function for each in manager.hook.pytest_collection_modifyitems.get_hookimpls()] == functions


def test_what_is_left_out_or_added_changes_no_order() -> None:
    one, two, three = object(), object(), object()
    assert not is_reordered([one, two, three], [one, three])
    assert not is_reordered([one, three], [one, two, three])
    assert is_reordered([one, two], [two, one])
