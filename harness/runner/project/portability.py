"""Reports what a project uses that needs PostgreSQL, when it is tested on another engine, before a migration fails.

A project that runs on SQLite by its own settings is left alone: SQLite takes columns of many types, and the project chose it.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import connections, router

from ...errors import ProjectError
from ...protocol.topology import Topology
from ..failures import causes
from ..text import listed

_POSTGRES = "django.contrib.postgres"
_DRIVERS = ("psycopg", "psycopg2")
_LISTED = 10


def check_models(topology: Topology, aliases: Iterable[str]) -> None:
    """Raise ``ProjectError`` where a model that is migrated to one of *aliases* needs PostgreSQL and the alias is on another
    engine.

    *topology* is as the settings have it.
    """
    for alias in aliases:
        vendor = connections[alias].vendor
        if vendor == "postgresql" or (vendor == "sqlite" and topology[alias].vendor == "sqlite"):
            continue
        found = [
            need
            for model in apps.get_models(include_auto_created=True)
            if router.allow_migrate_model(alias, model) and model._meta.can_migrate(connections[alias])
            for need in _needs_of(model)
        ]
        if found:
            raise ProjectError(
                f"{listed(found, _LISTED)}: needs PostgreSQL, and {alias!r} is tested on {vendor}.",
                hint=f"Test {alias!r} with --db {alias}=postgres; or keep such models away from other engines, by a router"
                ' or by required_db_vendor = "postgresql" in their Meta.',
            )


def _needs_of(model: Any) -> list[str]:
    """The fields, indexes and constraints of *model* whose classes are ``django.contrib.postgres``'s own, described for a
    message. A project's class that derives from one of them may support other engines.
    """
    meta = model._meta
    parts = [(f"{meta.label}.{field.name}", type(field)) for field in meta.local_fields]
    parts += [(f"{meta.label}: {each.name}", type(each)) for each in (*meta.indexes, *meta.constraints)]
    return [f"{name} ({cls.__name__})" for name, cls in parts if cls.__module__.startswith(f"{_POSTGRES}.")]


def explain_import(error: BaseException, vendors: Iterable[str]) -> ProjectError | None:
    """The error to raise instead of *error*, if PostgreSQL's driver is missing and no alias has it as its engine any more.

    *vendors* are those of the aliases as they are tested.
    """
    missing = [(each.name or "").partition(".")[0] for each in causes(error) if isinstance(each, ImportError)]
    if "postgresql" in set(vendors) or not any(name in _DRIVERS for name in missing):
        return None
    # the last line that is not Django's or the import system's, or else the app that INSTALLED_APPS names
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<")
        and not any(f"/{package}/" in frame.filename for package in ("django", "harness", *_DRIVERS, "importlib"))
    ]
    importer = f"{_POSTGRES} in INSTALLED_APPS"
    if frames:
        importer = f"{frames[-1].filename}, line {frames[-1].lineno} ({frames[-1].line}),"
    return ProjectError(
        f"{importer} needs PostgreSQL, and the run has none: its driver (psycopg) is not installed either.",
        hint="Import it where the engine is PostgreSQL only; or, if it need only be there, add psycopg[binary] to the"
        " requirements of the project's tests, or to [tool.harness] install.",
        evidence=str(error),
    )
