"""Records migrations of which the routers allow an alias nothing, without walking through them.

Django renders the models of a project anew for each migration, also where each of its operations then does nothing on the alias.
With a thousand migrations that takes minutes. Here such migrations, before the first one and after the last one that does
something, only change the state, as Django does with migrations that are applied already, and get their rows in
``django_migrations``. Every doubt (an operation of the project's own, a router that looks at the model, a migration that no
alias has walked through) leaves the migration to Django. Source: ``django.db.migrations``, 4.2 to 6.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

import django
from django.db import router, transaction
from django.db.migrations import Migration

from .. import private_apis
from .steps import Step

_DJANGO = str(Path(django.__file__).parent / "db")
_BY_NAME = frozenset({
    *("CreateModel", "DeleteModel", "AlterModelTable", "AlterModelTableComment"),
    *("AlterTogetherOptionOperation", "AlterOrderWithRespectTo"),
})  # fmt: skip
_BY_MODEL_NAME = frozenset({
    *("AddField", "RemoveField", "AlterField", "RenameField"),
    *("AddIndex", "RemoveIndex", "RenameIndex", "AddConstraint", "RemoveConstraint"),
})  # fmt: skip
_WITHOUT_EFFECT = frozenset({"AlterModelOptions", "AlterModelManagers", "AlterConstraint"})


class Model:
    """A model that a router does not look at: each use of it, but for ``is``, is noted and fails."""

    def __init__(self) -> None:
        object.__setattr__(self, "uses", [])

    def _used(self, *_args: object) -> NoReturn:
        object.__getattribute__(self, "uses").append(1)
        raise AttributeError("the model is not known yet")

    __getattribute__ = __setattr__ = __bool__ = __eq__ = __hash__ = __repr__ = __str__ = __call__ = _used
    __len__ = __iter__ = __contains__ = __instancecheck__ = __format__ = _used


class Denials:
    """The answers of the project's routers about one alias."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._known: dict[tuple[str, str], bool] = {}

    def denies(self, migration: Any) -> bool:
        """Whether *migration* surely does nothing on the alias but change the state and get its row."""
        if getattr(migration.apply, "__func__", None) is not Migration.apply:
            return False
        return all(self._denies(operation, migration.app_label) for operation in migration.operations)

    def _denies(self, operation: Any, app_label: str) -> bool:
        """Whether Django's ``database_forwards`` of *operation* asks the routers before all else, and they say no."""
        function = type(operation).database_forwards
        if not is_djangos(function):
            return False
        kind = function.__qualname__.partition(".")[0]
        if kind in _WITHOUT_EFFECT:
            return True
        if kind in ("RunSQL", "RunPython"):
            return self._refuses(app_label, operation.hints)
        if kind == "SeparateDatabaseAndState":
            return all(self._denies(each, app_label) for each in operation.database_operations)
        if kind in _BY_NAME:
            return self._refuses_model(app_label, operation.name_lower)
        if kind in _BY_MODEL_NAME:
            return self._refuses_model(app_label, operation.model_name_lower)
        return kind == "RenameModel" and self._refuses_model(app_label, operation.new_name_lower)

    def _refuses_model(self, app_label: str, name: str) -> bool:
        key = (app_label, name)
        if key not in self._known:
            model = Model()
            refuses = self._refuses(app_label, {"model_name": name, "model": model})
            self._known[key] = refuses and not object.__getattribute__(model, "uses")
        return self._known[key]

    def _refuses(self, app_label: str, hints: Mapping[str, Any]) -> bool:
        try:
            return not router.allow_migrate(self._alias, app_label, **hints)
        except Exception:  # noqa: BLE001 - Django meets the same, or the model was looked at
            return False


def is_djangos(function: Any) -> bool:
    """Whether *function* is of Django's own code, and nobody's in its place."""
    return getattr(function, "__code__", None) is not None and function.__code__.co_filename.startswith(_DJANGO)


@contextmanager
def recorded(step: Step) -> Iterator[None]:
    """Record such migrations during the block, a ``setup_databases``; *step* times them."""
    walked: set[tuple[str, str]] = set()

    def migrate(executor: Any, state: Any, to_run: list[Any], walk: Callable[[Any, list[Any]], Any]) -> Any:
        """Migrate *to_run* forwards. *walk* is Django's own way, and returns the new state."""
        denials = Denials(executor.connection.alias)

        def is_idle(migration: Any) -> bool:
            return (migration.app_label, migration.name) in walked and denials.denies(migration)

        if not all(map(is_djangos, private_apis.editor_functions(executor.connection))):
            return walk(state, to_run)
        before = list(takewhile(is_idle, to_run))
        rest = to_run[len(before) :]
        after = list(takewhile(is_idle, reversed(rest)))[::-1]
        walking = rest[: len(rest) - len(after)]
        state = _record(executor, state, before, step)
        if walking:
            state = walk(state, walking)
        walked.update((migration.app_label, migration.name) for migration in walking)
        return _record(executor, state, after, step)

    unwatch = private_apis.replace_forwards(migrate)
    try:
        yield
    finally:
        unwatch()


def _record(executor: Any, state: Any, migrations: Iterable[Any], step: Step) -> Any:
    """Change *state* by *migrations*, and record them in the database."""
    idle = list(migrations)
    if not idle:
        return state
    alias = executor.connection.alias
    with step(f"{alias}: {len(idle)} migrations that the routers do not allow"), transaction.atomic(using=alias):
        state.__dict__.pop("apps", None)  # rendered again where it is needed, and not for each migration
        for migration in idle:
            state = migration.mutate_state(state, preserve=False)
            private_apis.record_migration(executor, migration)
    return state
