"""The databases of processes that a test starts: the test's own clones, though such a process loads the settings anew.

Their addresses are in the environment, and ``startup.sitecustomize`` applies them. A database in memory has no address: such
processes see what the settings name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from ...protocol.naming import DATABASES_VARIABLE
from ...protocol.topology import Alias
from .. import unpatched
from .clones import is_forked

_FOLDER = str(Path(__file__).parents[1] / "startup")
_ADDRESS = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")


def publish(aliases: Iterable[Alias]) -> None:
    """Publish the databases to which *aliases*, as the settings have them, are connected now."""
    found: dict[str, Any] = {}
    for alias in aliases:
        connection = connections[alias.name]
        if not is_forked(connection):
            found[alias.name] = {
                "module": getattr(settings, "SETTINGS_MODULE", "") or "",
                "original": [alias.backend, alias.database],
                "address": {key: str(connection.settings_dict[key]) for key in _ADDRESS},
                "options": list(connection.settings_dict["OPTIONS"]),
            }
    if found:
        os.environ[DATABASES_VARIABLE] = unpatched.json.dumps(found)
        folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        os.environ["PYTHONPATH"] = os.pathsep.join([_FOLDER, *(each for each in folders if each not in ("", _FOLDER))])


def rename() -> None:
    """Publish the clones of this process in place of their templates."""
    if DATABASES_VARIABLE in os.environ:
        found = unpatched.json.loads(os.environ[DATABASES_VARIABLE])
        for alias, entry in found.items():
            entry["address"]["NAME"] = str(connections[alias].settings_dict["NAME"])
        os.environ[DATABASES_VARIABLE] = unpatched.json.dumps(found)
