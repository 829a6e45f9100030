"""The local servers that this machine can run, for ``harness doctor``. Fetches nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.host import cache
from harness.host.engines import ENGINES, Engine
from harness.host.local.binaries import download
from harness.host.local.binaries.choice import OLDEST, install_command, runnable
from harness.host.local.binaries.find import WHEELS_FOLDER
from harness.host.local.binaries.machine import SERVERS, Installed, Machine, installed, is_version, read_machine
from harness.host.local.binaries.wheels import WHEELS, Wheel


@dataclass(frozen=True, slots=True)
class Offer:
    """The versions of one engine that a machine can run, a line each; ``remedy`` brings one where there is none."""

    engine: str
    lines: tuple[str, ...]
    remedy: str = ""

    @property
    def title(self) -> str:
        return ENGINES[self.engine].title


def survey(environ: Mapping[str, str]) -> list[Offer]:
    """The local servers that this machine can run, by engine. Runs each server that is installed with ``--version``."""
    machine = read_machine()
    try:
        files = {file.name for file in (cache.cache_folder(environ) / WHEELS_FOLDER).iterdir()}
    except OSError:
        files = set()
    has_pip = next(download.pip_commands(environ), None) is not None

    def state(wheel: Wheel, tag: str) -> str:
        if wheel.file(tag) in files:
            return "in the cache"
        return "fetched by the first run that needs it" if has_pip else "cannot be fetched: this machine has no pip"

    return [offer(engine, installed(engine.name, environ), machine, state) for engine in ENGINES.values()]


def offer(engine: Engine, servers: Sequence[Installed], machine: Machine, state: Callable[[Wheel, str], str]) -> Offer:
    """The offer of *engine* on *machine* with *servers* installed; *state* describes a wheel's file in words."""
    usable = [server for server in servers if not server.unusable and server.order >= OLDEST[engine.name]]
    lines = [f"{server.version} in {server.place}" for server in usable]
    if engine.name == "postgres":
        lines += _wheels(usable, machine, state)
    if lines:
        return Offer(engine.name, tuple(lines))
    reasons = [server.unusable or f"{server.version} in {server.place} is too old" for server in servers]
    command = install_command(engine, engine.default_version, machine) or install_command(engine, "", machine)
    remedy = command or f"Install {engine.title}, so that {SERVERS[engine.name][0]} is in PATH."
    return Offer(engine.name, (), remedy if not reasons else f"{'; '.join(reasons)}. {remedy}")


def _wheels(usable: Sequence[Installed], machine: Machine, state: Callable[[Wheel, str], str]) -> Iterator[str]:
    for wheel in sorted(WHEELS, key=lambda wheel: int(wheel.version)):
        tag = runnable(wheel, machine)
        if tag and not any(is_version(server.version, wheel.version) for server in usable):
            yield f"{wheel.version} of the wheel {wheel.title}, {state(wheel, tag)}"
