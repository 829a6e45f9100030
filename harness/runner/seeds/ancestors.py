"""Decides whether new migrations on top of an ancestor leave the databases that a fresh build would: then they are cached too.

The two differ in one thing: ``post_migrate`` was sent in between, to receivers that make rows. Where these are Django's own, and
the new migrations come last and do nothing but change tables, each row and each id is the same. All else is a doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

_RECEIVERS = frozenset(f"django.contrib.{name}.management" for name in ("auth", "contenttypes", "sites"))
"""The modules of receivers whose rows depend on the models and their options alone."""
_OWNERS = frozenset({"auth", "contenttypes", "sites"})
"""The labels of the apps whose tables these receivers fill."""
_OF_TABLES = tuple(
    getattr(migrations, name)
    for name in (
        *("AddField", "AlterField", "RemoveField", "RenameField", "AddIndex", "RemoveIndex", "RenameIndex"),
        *("AddConstraint", "RemoveConstraint", "AlterConstraint", "AlterUniqueTogether", "AlterIndexTogether"),
    )
    if hasattr(migrations, name)
)
"""The operations that change a table and its rows by themselves, and no model that a receiver sees."""


def doubt(known: Iterable[str], receivers: Iterable[str]) -> str:
    """The reason why databases may differ that had the migrations *known*, as ``app.0001_name``, and have got the rest.

    *receivers* are the modules of the receivers of ``pre_migrate`` and ``post_migrate``. Empty without a doubt.
    """
    if others := sorted(set(receivers) - _RECEIVERS):
        return f"a receiver of {others[0]} has made rows before the new migrations"
    return doubt_of(set(known), _plan(MigrationLoader(None)))


def doubt_of(known: set[str], plan: Sequence[Migration]) -> str:
    """The reason that is in the migrations of *plan*, of which those *known* were there before; empty for none."""
    names = [f"{each.app_label}.{each.name}" for each in plan]
    new = [(name, each) for name, each in zip(names, plan, strict=True) if name not in known]
    if names[len(names) - len(new) :] != [name for name, _ in new]:
        return f"{new[0][0]} comes before a migration that has run"
    for name, each in new:
        if each.app_label in _OWNERS or type(each).apply is not Migration.apply:
            return f"{name} may change rows"
        for operation in each.operations:
            if type(operation) not in _OF_TABLES:
                return f"{name} has {type(operation).__name__}"
    return ""


def _plan(loader: MigrationLoader) -> list[Migration]:
    """All migrations in the order in which a fresh build runs them: that of ``MigrationExecutor.migration_plan``."""
    nodes: dict[tuple[str, str], None] = {}
    for leaf in loader.graph.leaf_nodes():
        nodes.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return [loader.graph.nodes[node] for node in nodes]
