"""Runs as Python starts, in each process that a test starts: its Django connects to the databases of the test.

A command such as ``manage.py migrate`` loads the settings anew, with the databases that the settings name. This module replaces
the address of each alias that ``databases.spawned`` has published in the environment. It imports nothing of the harness and
nothing of Django: most processes never load Django.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from typing import Any

_FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib would slow down each Python process
_ALIASES: dict[str, dict[str, Any]] = json.loads(os.environ.get("_DJANGO_CI_HARNESS_DATABASES", "{}"))


class _Patches:
    """An importer that changes modules of Django as soon as they have been executed."""

    def __init__(self, patches: dict[str, Callable[[Any], None]]) -> None:
        self._patches = patches

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        patch = self._patches.pop(name, None)
        if patch is None:
            return None
        spec: Any = importlib.util.find_spec(name)
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_patch(module: Any) -> None:
                execute(module)
                patch(module)

            spec.loader.exec_module = execute_and_patch
        return spec


def _patch_connections(module: Any) -> None:
    """Django reads ``DATABASES`` once, into the handler of its connections."""
    configure = module.ConnectionHandler.configure_settings

    def configured(handler: Any, databases: Any) -> Any:
        databases = configure(handler, databases)
        for alias, config in databases.items():
            _overlay(alias, config)
        return databases

    module.ConnectionHandler.configure_settings = configured


def _patch_apps(module: Any) -> None:
    """An ``AppConfig.ready()`` may have changed ``DATABASES``."""
    populate = module.Apps.populate

    def populated(apps: Any, installed_apps: Any = None) -> None:
        was_ready = apps.ready
        populate(apps, installed_apps)
        if apps is module.apps and not was_ready and "django.db" in sys.modules:  # others are states of migrations
            connections = sys.modules["django.db"].connections
            for alias, config in connections.settings.items():
                _overlay(alias, config)
            for connection in connections.all(initialized_only=True):
                _overlay(connection.alias, connection.settings_dict)

    module.Apps.populate = populated


def _overlay(alias: str, config: dict[str, Any]) -> None:
    """Replace the address in *config*, an entry of ``DATABASES``, if it is the project's: of the test's settings module, or the
    same database. A test may start a command of another project.
    """
    ours = _ALIASES.get(alias)
    if ours is None:
        return
    is_same_module = ours["module"] and os.environ.get("DJANGO_SETTINGS_MODULE") == ours["module"]
    if not is_same_module and [config.get("ENGINE"), str(config.get("NAME"))] != ours["original"]:
        return
    options = config.get("OPTIONS") or {}
    config.update(ours["address"])
    kept, dropped = ours["options"], ours.get("dropped", ())
    config["OPTIONS"] = {
        key: value for key, value in options.items() if (key in kept if kept is not None else key not in dropped)
    }
    config["TEST"] = {**(config.get("TEST") or {}), "NAME": None}  # "manage.py test" would else drop the template


def _run_the_next() -> None:
    """Run the ``sitecustomize`` that this one hides, if there is one."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _FOLDER]  # noqa: PTH100 - see above
    if (spec := PathFinder.find_spec("sitecustomize")) is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if _ALIASES:
    patches: Any = _Patches({"django.db.utils": _patch_connections, "django.apps.registry": _patch_apps})
    sys.meta_path.insert(0, patches)
_run_the_next()
