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

SHARED = "/dev/shm"  # noqa: S108 - a name in a message
RUNNER_BYTES = 512 << 20
"""The bytes left for the tests themselves."""


@dataclass(frozen=True, slots=True)
class Placement:
    """``on_disk`` are the engines with databases on disk, ``sizes`` the configured limits of the others in bytes."""

    on_disk: frozenset[str]
    sizes: Mapping[str, int]
    notices: tuple[Notice, ...] = ()


def place(
    servers: Sequence[PlannedServer], configs: Mapping[str, ServerConfig], memory_bytes: int, *, is_local: bool = False
) -> Placement:
    """The placement of the databases of *servers* on a machine with *memory_bytes* of memory, 0 for unknown: that of the engine,
    or with *is_local* this one.

    Databases that do not fit are placed on its disk, those with the largest need first, and a notice says so.
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
        if memory_bytes and needs.total() + RUNNER_BYTES > memory_bytes:
            notices.append(_notice(name, needs, memory_bytes, is_local=is_local))
            on_disk.add(name)
            del needs[name]
    in_memory = {name: size for name, size in sizes.items() if name not in on_disk}
    return Placement(frozenset(on_disk), in_memory, tuple(notices))


def _notice(name: str, needs: Counter[str], memory_bytes: int, *, is_local: bool) -> Notice:
    machine, has = "the engine", f"the engine has {_megabytes(memory_bytes)}"
    if is_local:
        machine, has = (
            "this machine",
            f"{SHARED} has {_megabytes(memory_bytes)} free (docker run --shm-size gives more)",
        )
    return Notice(
        "databases-on-disk",
        f"{name}: its databases are on {machine}'s disk, which is slower: in memory, its servers would take"
        f" {_megabytes(needs[name])}, all of them {_megabytes(needs.total())} beside {_megabytes(RUNNER_BYTES)} for"
        f" the tests, and {has}. A smaller memory_size in"
        f" [tool.harness.servers.{name}] may fit; in_memory = false there chooses the disk, without this notice.",
    )


def _megabytes(size: int) -> str:
    return f"{size >> 20} MB"
