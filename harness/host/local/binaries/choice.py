"""Decides which programs a local server runs: those of this machine, or of a wheel. Pure, so a test needs no server.

A version that the user named is that one or an error. Where the user named none, the engine's default is taken if this
machine can run it, else another version that it can run, with a notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import ServerError
from harness.host.engines import ENGINES, Engine
from harness.host.local.binaries.machine import SERVERS, TIME_ZONES, Installed, Machine, is_version
from harness.host.local.binaries.wheels import WHEELS, Wheel, wheels_of

OLDEST = {"postgres": (12,), "mysql": (8, 0, 23), "mariadb": (10, 5)}
"""The oldest versions whose replicas can be set up: ``standby.signal``, ``CHANGE REPLICATION SOURCE``, ``mariadbd``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """``version`` is that of the configuration, or of the machine where the user named none: ``17``, ``10.11``.

    ``source`` has the programs; ``tag`` is the platform of a wheel's file. ``notice`` says why the version is not the default.
    """

    version: str
    source: Installed | Wheel
    tag: str = ""
    notice: str = ""


def choose(engine_name: str, version: str | None, servers: Sequence[Installed], machine: Machine) -> Choice:
    """The programs for *version* of an engine, ``None`` for one that the user did not name.

    *servers* are those of the engine that are installed, the newest first. Raises ``ServerError`` with the command that brings
    what is missing.
    """
    engine = ENGINES[engine_name]
    wanted = version or engine.default_version
    if found := next(_ways(engine_name, wanted, servers, machine), None):
        return found
    if version is None:
        for other in _others(engine, wanted, servers):
            if found := next(_ways(engine_name, other, servers, machine), None):
                return Choice(found.version, found.source, found.tag, _notice(engine, wanted, found))
    raise missing(engine, wanted, servers, machine)


def _ways(engine: str, wanted: str, servers: Sequence[Installed], machine: Machine) -> Iterator[Choice]:
    for server in servers:
        if is_version(server.version, wanted) and not server.unusable:
            yield Choice(wanted, server)
    for wheel in wheels_of(wanted) if engine == "postgres" else ():
        if tag := runnable(wheel, machine):
            yield Choice(wanted, wheel, tag)


def runnable(wheel: Wheel, machine: Machine) -> str:
    """The platform tag of the file of *wheel* that runs on *machine*; empty if none does."""
    return "" if wheel.needs_time_zones and not machine.has_time_zones else wheel.tag(machine.tags)


def _others(engine: Engine, wanted: str, servers: Sequence[Installed]) -> Iterator[str]:
    """The versions beside *wanted*: those of this machine, the newest first, then the other ones of the configuration."""
    for server in servers:
        if server.order >= OLDEST[engine.name]:
            yield series(engine.name, server.version)
    yield from (version for version in reversed(engine.versions) if version != wanted)


def series(engine: str, version: str) -> str:
    """The part of an exact *version* that users choose by: ``17`` of ``17.10``, ``10.11`` of ``10.11.14``."""
    return ".".join(version.split(".")[: 1 if engine == "postgres" else 2])


def _notice(engine: Engine, wanted: str, found: Choice) -> str:
    place = f"of this machine ({found.source.place})" if isinstance(found.source, Installed) else "from a wheel"
    exact = found.source.version if isinstance(found.source, Installed) else found.version
    return (
        f"{engine.title} {exact} {place} in place of {wanted}, the default, which this machine does not have."
        f" --db {engine.name}:{wanted} asks for that version."
    )


def missing(engine: Engine, wanted: str, servers: Sequence[Installed], machine: Machine) -> ServerError:
    """The error for a version that this machine cannot run, with the next step."""
    usable = [server for server in servers if not server.unusable]
    message = f"This machine has no {engine.title} {wanted} for a local server"
    lacks_zones = not machine.has_time_zones and any(wheel.tag(machine.tags) for wheel in wheels_of(wanted))
    if engine.name == "postgres" and lacks_zones:
        message += f", and its wheel needs the system's time zones ({TIME_ZONES.parent})"
    elif engine.name == "postgres":
        message += f", and no wheel of it runs on {machine.title}"
    has = "; ".join(f"{engine.title} {server.version} in {server.place}" for server in usable)
    message += f". It has {has}." if has else "."
    steps = ["Install the system's package tzdata."] if engine.name == "postgres" and lacks_zones else []
    steps += [*_other_versions(engine, usable, machine)]
    steps.append("With a Docker engine, --servers docker needs no programs of this machine.")
    steps.append(_installation(engine, wanted, machine, has_other=bool(usable)))
    reasons = [server.unusable for server in servers if server.unusable]
    return ServerError(message, hint=" ".join(steps), evidence="\n".join(reasons))


def _other_versions(engine: Engine, usable: Sequence[Installed], machine: Machine) -> Iterator[str]:
    """The versions that this machine can run, as steps of a hint."""
    if any(server.order >= OLDEST[engine.name] for server in usable):
        yield f"--db {engine.name} without a version takes what this machine has."
    versions = [wheel.version for wheel in WHEELS if runnable(wheel, machine)] if engine.name == "postgres" else []
    if versions:
        yield f"From a wheel, it can run {', '.join(f'--db {engine.name}:{version}' for version in versions)}."


def _installation(engine: Engine, wanted: str, machine: Machine, *, has_other: bool) -> str:
    """The step that installs *wanted*, or the version of the machine's packages unless it *has_other* ones."""
    if command := install_command(engine, wanted, machine):
        return f"This installs it: {command}"
    if not has_other and (command := install_command(engine, "", machine)):
        return f"This installs the version of the system's packages, which --db {engine.name} takes: {command}"
    return f"Install {engine.title} {wanted}, so that {SERVERS[engine.name][0]} is in PATH."


_APT = {
    "postgres": "postgresql-{}",
    "mysql": "mysql-server-core mysql-client-core",
    "mariadb": "mariadb-server-core mariadb-client",
}
"""Debian's packages. The ``core`` ones have the programs, and start no service."""
_UBUNTU: Mapping[str, Mapping[str, str]] = {
    "jammy": {"postgres": "14", "mysql": "8.0", "mariadb": "10.6"},
    "noble": {"postgres": "16", "mysql": "8.0", "mariadb": "10.11"},
}
"""The versions in Ubuntu's suites, by its package lists."""
_BREW = {"postgres": "postgresql@{}", "mysql": "mysql@{}", "mariadb": "mariadb@{}"}


def install_command(engine: Engine, wanted: str, machine: Machine) -> str:
    """The command that installs *wanted* on *machine*, for ``""`` whatever its packages have; empty where none is known."""
    if machine.installer == "brew":
        return f"brew install {_BREW[engine.name].format(wanted)}" if wanted else f"brew install {engine.name}"
    if machine.installer != "apt-get":
        return ""
    suites = {release.suite: release.version for release in engine.releases} if machine.distribution == "debian" else {}
    offered = _UBUNTU.get(machine.suite, {}).get(engine.name) or suites.get(machine.suite, "")
    if not offered or wanted not in ("", offered):
        return ""
    packages = _APT[engine.name]
    if engine.name == "mysql" and machine.suite in _UBUNTU:
        packages = "mysql-server-core-{0} mysql-client-core-{0}"
    update = f"{machine.sudo}apt-get update && {machine.sudo}apt-get install -y --no-install-recommends"
    return f"{update} {packages.format(offered)}"
