import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from django.db import migrations, models

from harness.runner.templates import denied

Allow = Callable[..., object]


class Own(migrations.RunSQL):
    def database_forwards(self, *_args: Any) -> None:
        raise AssertionError


class Quiet(migrations.RunSQL):
    """Inherits Django's function."""


class Applied(migrations.Migration):
    def apply(self, *_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError


def denies(
    monkeypatch: pytest.MonkeyPatch, allow: Allow, *operations: Any, kind: type[migrations.Migration] | None = None
) -> bool:
    """Whether a migration with *operations* is denied by a router that answers by *allow*."""

    class Router:
        allow_migrate = staticmethod(allow)

    monkeypatch.setattr(denied, "router", Router)
    migration = (kind or migrations.Migration)("0001_initial", "shop")
    monkeypatch.setattr(migration, "operations", operations)
    return denied.Denials("other").denies(migration)


def never(_db: str, _app_label: str, **_hints: Any) -> object:
    return False


CREATE = migrations.CreateModel("Order", [("id", models.AutoField(primary_key=True))])
OPERATIONS = {
    "create": CREATE,
    "delete": migrations.DeleteModel("Order"),
    "rename": migrations.RenameModel("Order", "Sale"),
    "table": migrations.AlterModelTable("Order", "sales"),
    "unique": migrations.AlterUniqueTogether("Order", {("a", "b")}),
    "ordered": migrations.AlterOrderWithRespectTo("Order", "customer"),
    "options": migrations.AlterModelOptions("Order", {}),
    "managers": migrations.AlterModelManagers("Order", []),
    "add": migrations.AddField("Order", "total", models.IntegerField()),
    "alter": migrations.AlterField("Order", "total", models.IntegerField()),
    "remove": migrations.RemoveField("Order", "total"),
    "rename field": migrations.RenameField("Order", "total", "sum"),
    "index": migrations.AddIndex("Order", models.Index(fields=["total"], name="i")),
    "no index": migrations.RemoveIndex("Order", "i"),
    "rename index": migrations.RenameIndex("Order", "i", old_name="j"),
    "constraint": migrations.AddConstraint("Order", models.UniqueConstraint(fields=["total"], name="c")),
    "no constraint": migrations.RemoveConstraint("Order", "c"),
    "sql": migrations.RunSQL("SELECT 1"),
    "python": migrations.RunPython(migrations.RunPython.noop),
    "separate": migrations.SeparateDatabaseAndState([CREATE], []),
    "inherited": Quiet("SELECT 1"),
}


class TestDenied:
    @pytest.mark.parametrize("name", OPERATIONS)
    def test_a_router_that_says_no_to_all(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        assert denies(monkeypatch, never, OPERATIONS[name])

    @pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("options", "managers")])
    def test_one_that_has_no_opinion(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        assert not denies(monkeypatch, lambda *_args, **_hints: True, OPERATIONS[name])

    def test_a_migration_without_operations(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert denies(monkeypatch, never)

    def test_the_names_that_django_would_give(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[str, str, str | None]] = []

        def allow(db: str, app_label: str, model_name: str | None = None, **_hints: Any) -> object:
            asked.append((db, app_label, model_name))
            return False

        assert denies(monkeypatch, allow, CREATE, OPERATIONS["rename"], OPERATIONS["add"], OPERATIONS["sql"])
        assert asked == [("other", "shop", "order"), ("other", "shop", "sale"), ("other", "shop", None)]

    def test_hints_are_those_of_the_operation(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sql = migrations.RunSQL("SELECT 1", hints={"target": "other"})
        assert not denies(monkeypatch, lambda db, _app_label, target="", **_hints: target == db, sql)


class TestDoubts:
    @pytest.mark.parametrize(
        "look",
        [
            lambda model: model._meta.app_label == "other",
            lambda model: not model,
            lambda model: model in (1, 2),
            lambda model: isinstance(model, int),
            lambda model: getattr(model, "database", "default") == "other",
            lambda model: str(model) == "",
            lambda model: {model: False}.get(1),
            lambda model: f"{model}" == "",
        ],
    )
    def test_a_router_that_looks_at_the_model(
        self, monkeypatch: pytest.MonkeyPatch, look: Callable[[Any], object]
    ) -> None:
        def allow(_db: str, _app_label: str, model: Any = None, **_hints: Any) -> object:
            with contextlib.suppress(Exception):  # a router may do so
                look(model)
            return False

        assert not denies(monkeypatch, allow, CREATE)

    def test_a_router_that_only_passes_the_model_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert denies(monkeypatch, lambda *_args, model=None, **_hints: model is None, CREATE)

    def test_a_router_that_raises(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def allow(_db: str, _app_label: str, **hints: Any) -> object:
            raise KeyError(hints)

        assert not denies(monkeypatch, allow, CREATE)

    def test_an_operation_of_the_projects_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not denies(monkeypatch, never, CREATE, Own("SELECT 1"))
        assert not denies(monkeypatch, never, migrations.SeparateDatabaseAndState([Own("SELECT 1")], []))

    def test_an_operation_whose_function_was_replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(migrations.RunSQL, "database_forwards", lambda *_args: None)
        assert not denies(monkeypatch, never, migrations.RunSQL("SELECT 1"))

    def test_a_migration_that_applies_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not denies(monkeypatch, never, CREATE, kind=Applied)
