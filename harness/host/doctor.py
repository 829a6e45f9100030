"""``harness doctor``: lists what is missing on this machine, each with the command that mends it.

``gather`` asks the machine and the engine; ``diagnose`` decides and ``render`` writes, both pure. Starts nothing,
installs nothing, builds nothing; with ``remove``, removes the remains of dead runs.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import ExitCode, ServerError
from harness.host.docker.client import Client, connect, context_of, docker_config, found_by
from harness.host.docker.containers import abandoned, remove_run
from harness.host.docker.errors import FAILURES, explanation
from harness.host.docker.images import Images, is_ours
from harness.host.engines import ENGINES
from harness.host.images import debian_base
from harness.host.images.debian import DEFAULT_SUITE
from harness.host.images.specs import base_hint

GIGABYTE = 1_000_000_000
DISK_NEEDED_BYTES = 1 * GIGABYTE
"""The free disk space below which no image can be built."""
DISK_WANTED_BYTES = 5 * GIGABYTE
"""The disk space of a base, a server's and a runner's image together, with room for the run."""
PROBE_TIMEOUT_S = 15
LEFT_BEHIND_S = 600
"""The least age, in seconds, of a dead run's remains: a run that has just begun has few visible containers."""
SOCKET = Path("/var/run/docker.sock")

Level = Literal["ok", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine that answered. ``free_bytes`` is ``None`` where its disk is not this machine's.

    ``images`` are the tags of our images; ``left_behind`` are containers and networks of runs that were cut off, and
    ``removed`` those removed by this command. ``registry_error`` is the reason why the engine cannot pull, ``base_error``
    why no base can be made of Debian's packages here, each empty if it can be done.
    """

    found_by: str
    version: str
    os_type: str
    storage_driver: str
    cgroup: str
    cpus: int
    memory_bytes: int
    free_bytes: int | None
    images: tuple[str, ...]
    registry_error: str
    base_error: str
    left_behind: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts of this machine from which an engine could be started."""

    is_root: bool
    has_dockerd: bool
    has_apt: bool
    has_systemd: bool
    is_socket_denied: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """The input of ``diagnose``. ``git`` is its version or empty, ``engine`` the engine that answered or the error."""

    python: str
    git: str
    machine: Machine
    engine: Engine | ServerError
    docker_host: str = ""
    docker_context: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. ``missing`` stops every run, ``note`` does not; ``mend`` is the next step for either."""

    level: Level
    subject: str
    seen: str
    mend: str = ""


def run_doctor(environ: Mapping[str, str], *, remove: bool = False) -> ExitCode:
    """Print the table, and with *remove* remove the remains of dead runs. ``GREEN`` if a run could work on this machine,
    else ``SERVERS``.
    """
    findings = diagnose(gather(environ, remove=remove))
    print(render(findings))
    return verdict(findings)


def verdict(findings: Iterable[Finding]) -> ExitCode:
    return ExitCode.SERVERS if any(finding.level == "missing" for finding in findings) else ExitCode.GREEN


def render(findings: Iterable[Finding]) -> str:
    """The findings as a table, each image and each next step on a line of its own, so that it can be copied."""
    findings = tuple(findings)
    width = max(len(finding.subject) for finding in findings)
    lines = []
    for finding in findings:
        first, *more = finding.seen.split("\n")
        lines.append(f"{finding.level:<8} {finding.subject:<{width}}  {first}")
        lines.extend(f"{'':<8} {'':<{width}}  {each}" for each in more)
        if finding.mend:
            lines.append(f"{'':<8} {'':<{width}}  -> {finding.mend}")
    usable = verdict(findings) is ExitCode.GREEN
    return "\n".join(
        [*lines, "", "A run can work here." if usable else "No run can work here yet: see what is missing."]
    )


def diagnose(facts: Facts) -> tuple[Finding, ...]:
    """The findings on what is there and what is missing, from the bottom up."""
    findings = [Finding("ok", "Python", facts.python), _git(facts)]
    if isinstance(facts.engine, ServerError):
        mend = _start_engine(facts.machine, facts.docker_host or facts.docker_context) or facts.engine.hint
        return (*findings, Finding("missing", "Docker engine", facts.engine.message, mend))
    return (*findings, *_engine(facts.engine, facts.machine.is_root))


def _git(facts: Facts) -> Finding:
    if facts.git:
        return Finding("ok", "git", facts.git)
    sudo = "" if facts.machine.is_root else "sudo "
    return Finding(
        "note",
        "git",
        "none: every file of the project goes into the runner, also what .gitignore names",
        f"{sudo}apt-get install -y git" if facts.machine.has_apt else "Install git.",
    )


def _start_engine(machine: Machine, elsewhere: str) -> str:
    """The command that starts an engine here; empty where none is known, and where an engine *elsewhere* is configured."""
    sudo = "" if machine.is_root else "sudo "
    if elsewhere:
        return ""
    if machine.is_socket_denied:
        return 'sudo usermod -aG docker "$USER", then log in again'
    start = (
        f"{sudo}systemctl start docker"
        if machine.has_systemd
        else f"{sudo}sh -c 'dockerd >/var/log/dockerd.log 2>&1 &'"
    )
    if machine.has_dockerd:
        return start
    if machine.has_apt:
        return f"{sudo}apt-get update && {sudo}apt-get install -y docker.io iptables && {start}"
    return ""


def _engine(engine: Engine, is_root: bool) -> tuple[Finding, ...]:
    is_linux = engine.os_type == "linux"
    return (
        Finding(
            "ok" if is_linux else "missing",
            "Docker engine",
            f"{engine.version}, by {engine.found_by}" + ("" if is_linux else f", for {engine.os_type} containers"),
            "" if is_linux else "Switch the engine to Linux containers.",
        ),
        _storage(engine),
        Finding(
            "ok", "Resources", f"{engine.cpus} cores, {_gigabytes(engine.memory_bytes)} of memory, {engine.cgroup}"
        ),
        _disk(engine),
        _images(engine, is_root),
        _left_behind(engine),
    )


def _storage(engine: Engine) -> Finding:
    if engine.storage_driver != "vfs":
        return Finding("ok", "Storage driver", engine.storage_driver)
    return Finding(
        "note",
        "Storage driver",
        "vfs: each container copies its whole image, which is slow and fills the disk",
        'Set "storage-driver": "overlay2" in the engine\'s daemon.json, and restart it.',
    )


def _disk(engine: Engine) -> Finding:
    if engine.free_bytes is None:
        return Finding("ok", "Disk", "not this machine's, not looked at")
    seen = f"{_gigabytes(engine.free_bytes)} free"
    if engine.free_bytes >= DISK_WANTED_BYTES:
        return Finding("ok", "Disk", seen)
    level: Level = "note" if engine.free_bytes >= DISK_NEEDED_BYTES else "missing"
    return Finding(
        level, "Disk", f"{seen}, {_gigabytes(DISK_WANTED_BYTES)} wanted", "docker system df, then docker image prune"
    )


def _images(engine: Engine, is_root: bool) -> Finding:
    if engine.images:
        return Finding("ok", "Images", "\n".join(sorted(engine.images)))
    if not engine.registry_error:
        return Finding("ok", "Images", "none yet; the first run pulls and builds them")
    if not engine.base_error:
        seen = (
            f"none yet; the first run makes them of Debian's packages, for none can be pulled: {engine.registry_error}"
        )
        return Finding("ok", "Images", seen)
    return Finding(
        "missing",
        "Images",
        f"none, none can be pulled ({engine.registry_error}), and no base can be made here ({engine.base_error})",
        base_hint(DEFAULT_SUITE, is_root),
    )


def _left_behind(engine: Engine) -> Finding:
    if engine.left_behind:
        seen = f"of runs that were cut off: {', '.join(engine.left_behind)}"
        return Finding("note", "Left behind", seen, "harness doctor --remove")
    return Finding("ok", "Left behind", f"removed: {', '.join(engine.removed)}" if engine.removed else "nothing")


def _gigabytes(count: int) -> str:
    return f"{count / GIGABYTE:.1f} GB"


def gather(environ: Mapping[str, str], *, remove: bool = False) -> Facts:
    """Ask the machine and its engine, after removing the remains of dead runs if *remove*.

    Takes no longer than the engine's and the registry's deadlines.
    """
    return Facts(
        python=platform.python_version(),
        git=_git_version(),
        machine=Machine(
            is_root=os.geteuid() == 0,
            has_dockerd=shutil.which("dockerd") is not None,
            has_apt=shutil.which("apt-get") is not None,
            has_systemd=Path("/run/systemd/system").is_dir(),
            is_socket_denied=SOCKET.exists() and not os.access(SOCKET, os.R_OK | os.W_OK),
        ),
        engine=_ask_engine(environ, remove),
        docker_host=environ.get("DOCKER_HOST", ""),
        docker_context=context_of(environ, docker_config(environ)),
    )


def _git_version() -> str:
    try:
        done = subprocess.run(
            ["git", "--version"], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().removeprefix("git version ") if done.returncode == 0 else ""


def _ask_engine(environ: Mapping[str, str], remove: bool) -> Engine | ServerError:
    try:
        with contextlib.closing(connect()) as client:
            client.api.timeout = PROBE_TIMEOUT_S
            return _described(client, environ, remove)
    except ServerError as error:
        return error
    except FAILURES as error:
        return ServerError(
            "The Docker engine answers, but not what it is.", hint="Look at the engine's own log.", evidence=str(error)
        )


def _described(client: Client, environ: Mapping[str, str], remove: bool) -> Engine:
    info: Mapping[str, Any] = client.info()
    images = Images(client, lambda _image, _line: None)
    tags = tuple(tag for image in images.ours() for tag in image.tags if is_ours(tag))
    found = abandoned(client, LEFT_BEHIND_S)
    for run in found if remove else ():
        remove_run(client, run)
    left = abandoned(client, LEFT_BEHIND_S) if remove else found
    names = {name for each in left.values() for name in each}
    return Engine(
        found_by=found_by(environ, docker_config(environ)),
        version=str(info.get("ServerVersion", "?")),
        os_type=str(info.get("OSType", "linux")),
        storage_driver=str(info.get("Driver", "?")),
        cgroup=f"cgroup v{info.get('CgroupVersion', '1')}",
        cpus=int(info.get("NCPU", 0)),
        memory_bytes=int(info.get("MemTotal", 0)),
        free_bytes=_free_bytes(info),
        images=tags,
        registry_error="" if tags else _registry_error(client),
        base_error=debian_base.obstacle(images),
        left_behind=tuple(sorted(names)),
        removed=tuple(sorted(name for each in found.values() for name in each if name not in names)),
    )


def _free_bytes(info: Mapping[str, Any]) -> int | None:
    """The free space of the engine's image folder, if the engine runs on this machine."""
    if info.get("Name") != socket.gethostname():
        return None
    try:
        return shutil.disk_usage(str(info.get("DockerRootDir"))).free
    except OSError:
        return None


def _registry_error(client: Client) -> str:
    engine = next(iter(ENGINES.values()))
    try:
        client.images.get_registry_data(engine.release(engine.default_version).image)
    except FAILURES as error:
        reason = explanation(error)
        return f"no answer in {PROBE_TIMEOUT_S} s" if "timed out" in reason else reason
    return ""
