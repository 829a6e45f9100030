"""The database servers that the host can start."""

from __future__ import annotations

from collections.abc import Mapping

from harness.host.engines.engine import HOME_VARIABLE, Boot, Engine, Place, Release, Replication
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL
from harness.host.engines.postgres import POSTGRES

ENGINES: Mapping[str, Engine] = {engine.name: engine for engine in (POSTGRES, MYSQL, MARIADB)}
"""The engines by the name that users type."""

KNOWN: Mapping[str, tuple[str, ...]] = {engine.name: engine.versions for engine in ENGINES.values()}
"""Every engine's versions, by its name."""


def for_vendor(vendor: str) -> Engine | None:
    """The engine behind Django's backends of *vendor*, the first of several; ``None`` where none can be started."""
    return next((engine for engine in ENGINES.values() if engine.vendor == vendor), None)


__all__ = ["ENGINES", "HOME_VARIABLE", "KNOWN", "Boot", "Engine", "Place", "Release", "Replication", "for_vendor"]
