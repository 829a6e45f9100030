"""Decides which engines' databases are in memory, and how much memory they may take.

Decides only: ``host.run.servers`` mounts the file systems. Imports neither Docker nor Django.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.host.config.servers import ServerConfig
from harness.host.planning.plan import PlannedServer
from harness.protocol.events import Notice

DATABASES_BYTES = 256 << 20
"""The bytes assumed for the databases of a server without a configured size."""

RUNNER_BYTES = 512 << 20
"""The bytes left for the tests themselves."""


@dataclass(frozen=True, slots=True)
class Placement:
    """``on_disk`` are the engines with databases on disk, ``sizes`` the configured limits of the others in bytes."""

    on_disk: frozenset[str]
    sizes: Mapping[str, int]
    notices: tuple[Notice, ...] = ()


def place(servers: Sequence[PlannedServer], configs: Mapping[str, ServerConfig], engine_bytes: int) -> Placement:
    """The placement of the databases of *servers* on an engine with *engine_bytes* of memory, 0 for unknown.

    Databases that do not fit are placed on the engine's disk, those with the largest need first, and a notice says so.
    """
    on_disk = {name for name, config in configs.items() if not config.in_memory}
    sizes = {name: config.memory_size for name, config in configs.items() if config.memory_size}
    needs: Counter[str] = Counter()
    for server in servers:
        name = server.engine.name
        if name not in on_disk:
            needs[name] += server.engine.memory_bytes + sizes.get(name, DATABASES_BYTES)
    notices: list[Notice] = []
    for name, _ in needs.most_common():
        if engine_bytes and needs.total() + RUNNER_BYTES > engine_bytes:
            notices.append(_notice(name, needs, engine_bytes))
            on_disk.add(name)
            del needs[name]
    in_memory = {name: size for name, size in sizes.items() if name not in on_disk}
    return Placement(frozenset(on_disk), in_memory, tuple(notices))


def _notice(name: str, needs: Counter[str], engine_bytes: int) -> Notice:
    return Notice(
        "databases-on-disk",
        f"{name}: its databases are on the engine's disk, which is slower: in memory, its servers would take"
        f" {_megabytes(needs[name])}, all of them {_megabytes(needs.total())} beside {_megabytes(RUNNER_BYTES)} for"
        f" the tests, and the engine has {_megabytes(engine_bytes)}. A smaller memory_size in"
        f" [tool.harness.servers.{name}] may fit; in_memory = false there chooses the disk, without this notice.",
    )


def _megabytes(size: int) -> str:
    return f"{size >> 20} MB"
