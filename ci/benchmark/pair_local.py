"""Figure ``pair-local``: a primary and its replica as processes of this machine, from their start until the replica streams.

Both sides are started by ``harness.host.run.servers`` below the same supervisor, with the same programs and settings; only the
script differs: the other side's runs ``initdb`` and ``pg_basebackup``.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import STARTUP_S, Ground, pair_plan
from ci.benchmark.race import Side, Sides
from harness.host.images import recipe
from harness.host.local.platform import LocalPlatform
from harness.host.run.servers import ServerOptions, Servers

PAIR_LOCAL = Comparison(
    "pair-local",
    "a primary and its replica without Docker from the seed, until the replica streams",
    "the same with initdb and pg_basebackup",
    aim=Aim(ratio=0.2),
)
SCRIPT = "entry.sh"


def ours(name: str) -> Iterable[tuple[str, bytes]]:
    """The files of the engine *name*."""
    return recipe.load(name).files


def theirs(name: str) -> Iterable[tuple[str, bytes]]:
    """The same with the script that makes its data directory at the start."""
    script = Path(__file__).with_name("without_seed") / SCRIPT
    return [(each, script.read_bytes() if each == SCRIPT else content) for each, content in ours(name)]


@contextlib.contextmanager
def pair_local(_ground: Ground) -> Iterator[Sides]:
    yield Sides(_start(LocalPlatform(ours)), _start(LocalPlatform(theirs)))


def _start(platform: LocalPlatform) -> Side:
    plan = pair_plan(has_replica=True)
    for server in plan.servers:
        platform.programs(server.engine.name, server.version)

    def run() -> float:
        servers = Servers(platform, plan, ServerOptions(secrets.token_hex(4), startup_s=STARTUP_S))
        try:
            begin = time.perf_counter()
            servers.start()
            return time.perf_counter() - begin
        finally:
            servers.close()

    return run
