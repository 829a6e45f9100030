"""Which new migrations on top of an ancestor leave the databases that a fresh build would."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.migration import Migration

from harness.runner.seeds.ancestors import doubt, doubt_of

ADD = migrations.AddField("Item", "number", models.IntegerField(default=3))
KNOWN = {"shop.0001", "zoo.0001"}


def migration(name: str, *operations: Any, kind: type[Migration] = Migration) -> Migration:
    app, _, number = name.partition(".")
    made = kind(number, app)
    made.operations = list(operations)  # type: ignore[misc]  # as Django's optimizer does
    return made


def found(*new: Migration, first: tuple[str, ...] = ("shop.0001", "zoo.0001")) -> str:
    return doubt_of(KNOWN, [*map(migration, first), *new])


class Own(Migration):
    def apply(self, *args: Any, **options: Any) -> Any:
        return super().apply(*args, **options)


class OwnField(migrations.AddField):
    """It may do anything."""


def test_changes_of_tables_are_the_same() -> None:
    index = migrations.AddIndex("Item", models.Index(fields=["name"], name="by_name"))
    assert (
        found(migration("shop.0002", ADD, index), migration("zoo.0002", migrations.RemoveField("Item", "name"))) == ""
    )
    assert found() == ""


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (migration("shop.0002", migrations.CreateModel("Other", [])), "shop.0002 has CreateModel"),
        (migration("shop.0002", migrations.DeleteModel("Item")), "shop.0002 has DeleteModel"),
        (migration("shop.0002", migrations.RenameModel("Item", "Thing")), "shop.0002 has RenameModel"),
        (migration("shop.0002", migrations.AlterModelOptions("Item", {})), "shop.0002 has AlterModelOptions"),
        (migration("shop.0002", ADD, migrations.RunSQL("SELECT 1")), "shop.0002 has RunSQL"),
        (migration("shop.0002", migrations.RunPython(print)), "shop.0002 has RunPython"),
        (migration("shop.0002", OwnField("Item", "x", models.TextField())), "shop.0002 has OwnField"),
        (migration("shop.0002", ADD, kind=Own), "shop.0002 may change rows"),
        (migration("auth.0099", ADD), "auth.0099 may change rows"),
    ],
    ids=lambda value: "" if isinstance(value, Migration) else str(value),
)
def test_all_else_is_a_doubt(new: Migration, reason: str) -> None:
    assert found(new) == reason


def test_a_new_one_that_would_run_earlier_is_a_doubt() -> None:
    plan = [migration("shop.0001"), migration("shop.0002", ADD), migration("zoo.0001")]
    assert doubt_of(KNOWN, plan) == "shop.0002 comes before a migration that has run"


def test_receivers_of_others_are_a_doubt() -> None:
    receivers = ["django.contrib.auth.management", "shop.signals"]
    assert doubt(KNOWN, receivers) == "a receiver of shop.signals has made rows before the new migrations"
