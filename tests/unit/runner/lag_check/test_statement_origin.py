"""The origin of a statement: routers are known by name, also those that a test sets."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test.signals import setting_changed

from harness.runner.failures import FailureDescriber
from harness.runner.lag_check import statement_origin
from harness.runner.lag_check.statement_origin import Origins


class First:
    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "replica" if model else None


class Second(First):
    pass


class WithSlots:
    __slots__ = ()

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"


class Query:
    """A query set whose alias no one has named."""

    def __init__(self, alias: str | None = None) -> None:
        self._db = alias


@pytest.fixture
def routers(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    routers = SimpleNamespace(routers=[First(), WithSlots()])
    monkeypatch.setattr(statement_origin, "router", routers)
    before = list(setting_changed.receivers)
    yield routers
    setting_changed.receivers = before


def chosen(monkeypatch: pytest.MonkeyPatch, origins: Origins, *queries: Query) -> str:
    monkeypatch.setattr(statement_origin, "_queries", lambda: iter(queries))
    return origins.chooser("replica")


def test_a_router_is_named_also_after_a_test_has_set_others(
    routers: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    origins = Origins(FailureDescriber("/project"))
    routers.routers[0].db_for_read(object)
    assert chosen(monkeypatch, origins, Query()) == "First.db_for_read"
    routers.routers = [Second()]
    origins._note_routers("DATABASE_ROUTERS")
    routers.routers[0].db_for_read(object)
    assert chosen(monkeypatch, origins, Query()) == "Second.db_for_read"


def test_other_choosers(routers: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    origins = Origins(FailureDescriber("/project"))
    assert chosen(monkeypatch, origins) == "connections['replica']"
    assert chosen(monkeypatch, origins, Query("replica")) == "using('replica')"
    assert routers.routers[0].db_for_read(None) is None
    assert chosen(monkeypatch, origins, Query()) == "the alias of an instance"
