"""Whose databases are in memory, and how much of it they may take.

Owns the decision alone: ``host.stack`` mounts what was decided. Imports neither Docker nor Django.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.contract.events import Notice
from harness.host.config import ServerConfig
from harness.host.plan import PlannedServer

DATABASES_BYTES = 256 << 20
"""What the databases of a server are taken to need where the configuration says nothing."""

RUNNER_BYTES = 512 << 20
"""What is left for the tests themselves."""


@dataclass(frozen=True, slots=True)
class Placement:
    """``on_disk`` are the engines whose databases are not in memory; ``sizes`` the most, in bytes, of those that have one."""

    on_disk: frozenset[str]
    sizes: Mapping[str, int]
    notices: tuple[Notice, ...] = ()


def place(servers: Sequence[PlannedServer], configs: Mapping[str, ServerConfig], engine_bytes: int) -> Placement:
    """Where the databases of *servers* are, on an engine with *engine_bytes* of memory, 0 where that is not known.

    What does not fit is on the engine's disk, that of the engine which takes most first, and a notice says so.
    """
    chosen = {name for name, config in configs.items() if not config.in_memory}
    sizes = {name: config.memory_size for name, config in configs.items() if config.memory_size and name not in chosen}
    needs: dict[str, int] = {}
    for server in servers:
        if server.engine.name not in chosen:
            databases = sizes.get(server.engine.name, DATABASES_BYTES)
            needs[server.engine.name] = needs.get(server.engine.name, 0) + server.engine.memory_bytes + databases
    notices: list[Notice] = []
    for name in sorted(needs, key=lambda name: needs[name], reverse=True):
        if engine_bytes and sum(needs.values()) + RUNNER_BYTES > engine_bytes:
            notices.append(_notice(name, needs, engine_bytes))
            chosen.add(name)
            del needs[name]
    return Placement(
        frozenset(chosen), {name: size for name, size in sizes.items() if name not in chosen}, tuple(notices)
    )


def _notice(name: str, needs: Mapping[str, int], engine_bytes: int) -> Notice:
    return Notice(
        "databases-on-disk",
        f"{name}: its databases are on the engine's disk, which is slower: in memory, its servers would take"
        f" {_megabytes(needs[name])}, all of them {_megabytes(sum(needs.values()))} beside {_megabytes(RUNNER_BYTES)} for"
        f" the tests, and the engine has {_megabytes(engine_bytes)}. A smaller memory_size in"
        f" [tool.harness.servers.{name}] may fit; in_memory = false there says that the disk is meant.",
    )


def _megabytes(size: int) -> str:
    return f"{size >> 20} MB"
