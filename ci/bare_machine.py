"""``python -m ci.bare_machine``: runs commands in a fresh clone on a machine that has Python and nothing else.

The machine is a container of Debian's oldest suite with a supported Python, with nearly all rights, so that the commands can
install and start a Docker engine of their own in it, whose images lie in a volume of the container. It has no Docker, no
debootstrap, no git, no pip and no image; what it needs to reach packages is taken from this machine, as image builds take it.
With ``--without-engine`` the container has the rights of any other, and the commands are an ordinary user's.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import click
import docker
from docker.types import Mount
from docker.utils.socket import frames_iter

from harness.cli import format_error
from harness.errors import HarnessError, ServerError
from harness.host.config import load
from harness.host.docker import containers, streams, watchdog
from harness.host.docker.client import connect
from harness.host.images import build_environment, debian, specs
from harness.host.images.build_environment import BuildEnvironment
from harness.host.images.builder import ImageBuilder
from harness.host.images.recipe import Recipe
from harness.host.images.specs import Spec, Step
from harness.host.interrupts import interruptible, uninterrupted
from harness.protocol import naming

ROOT = Path(__file__).parents[1]
SUITE = debian.PYTHON_SUITES["3.11"].suite
DEMO, TEST = "./ci/demo", "./ci/test"
USER = "somebody"
USER_ID = 1000
"""The number of the first user of a Debian."""
LIMIT_S = 3600
CLONE_DEADLINE_S = 120

CAPABILITIES = (  # noqa: SIM905 - a list with a name a line would be a page
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE"
    " NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN"
    " SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE"
    " MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
"""The Linux capabilities in the order of their numbers, as capabilities(7) lists them."""

DOCKERFILE = b"""\
ARG BASE
FROM ${BASE}
COPY machine.conf packages /
RUN mv machine.conf /etc/apt/apt.conf.d/90machine \\
    && apt-get update -q \\
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(cat packages) \\
    && rm -rf packages /var/lib/apt/lists/* /var/cache/apt/archives/*.deb \\
    && useradd --create-home --shell /bin/bash somebody
"""

PREPARE = """\
set -e
for place in /sys $(awk '$5 ~ "^/sys/" { print $5 }' /proc/self/mountinfo); do
    mount -o remount,bind,rw "$place"
done
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir /sys/fs/cgroup/machine
    while read -r process; do
        echo "$process" >/sys/fs/cgroup/machine/cgroup.procs || true
    done </sys/fs/cgroup/cgroup.procs
    sed 's/[^ ]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
fi
"""
"""Prepares the machine for an engine's control groups: /sys is read-only in a container, and version 2 delegates from
empty groups.
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """The kind of machine: whether it may run an engine, and its Debian packages besides python3."""

    has_engine: bool = True
    packages: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """The user of the commands."""
        return "root" if self.has_engine else USER

    @property
    def home(self) -> str:
        """The folder of the user, which has the clone."""
        return "/root" if self.has_engine else f"/home/{USER}"


def chosen_commands(arguments: Sequence[str]) -> tuple[str, ...]:
    """The commands that *arguments* select: the README's two, ``demo`` for the first of them, or the given command."""
    if not arguments:
        return DEMO, TEST
    return (DEMO,) if list(arguments) == ["demo"] else (shlex.join(arguments),)


def lacked_capabilities(status: str) -> list[str]:
    """The capabilities that no process of this machine can have, by ``/proc/self/status``: an engine cannot give them."""
    bounds = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    return [name for number, name in enumerate(CAPABILITIES) if not bounds >> number & 1]


def machine_spec(takes_expired: bool, packages: Sequence[str] = ()) -> Spec:
    """The image of the machine: Debian with its own Python and *packages*, and apt that takes a mirror as this machine's does."""
    conf = b'Acquire::Check-Valid-Until "false";\n' if takes_expired else b""
    listed = " ".join(["python3", *packages]).encode()
    recipe = Recipe("bare", (("Dockerfile", DOCKERFILE), ("machine.conf", conf), ("packages", listed)))
    return Spec("bare", SUITE, specs.debian_origin(SUITE), recipe, (Step("Dockerfile", "BASE"),))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, metavar="[demo | COMMAND [ARGUMENT]...]", type=click.UNPROCESSED)
@click.option("--without-engine", is_flag=True, help="Run as an ordinary user, who can start no engine.")
@click.option("--add", "packages", multiple=True, metavar="PACKAGE", help="A Debian package of the machine.")
def main(arguments: tuple[str, ...], without_engine: bool, packages: tuple[str, ...]) -> None:
    """Run the README's two commands, the first of them, or COMMAND, in a clone of the last commit on a bare machine.

    Exits with the first exit status that is not 0, 124 for a command that took an hour, or 3 if there is no such machine.
    """
    try:
        with interruptible():
            sys.exit(_run(chosen_commands(arguments), Machine(not without_engine, packages)))
    except HarnessError as error:
        print(format_error(error), file=sys.stderr)
        sys.exit(error.exit_code)


def _run(commands: Sequence[str], kind: Machine) -> int:
    run = secrets.token_hex(4)
    environment = build_environment.read(load.load({}, {}, ROOT, need_settings=False), os.environ)
    with contextlib.closing(connect()) as client:
        with ImageBuilder(client, _tell, lambda: environment) as builder:
            image = builder.provide([machine_spec(debian.takes_expired(), kind.packages)])
        with watchdog.watched(run), _machine(client, run, image, environment, kind) as machine:
            for command in commands:
                started = time.monotonic()
                _tell("bare machine", f"$ {command}")
                code = _execute(client, machine, command, kind)
                _tell("bare machine", f"{command}: exit {code} after {time.monotonic() - started:.0f} s")
                if code:
                    return code
    return 0


@contextlib.contextmanager
def _machine(
    client: docker.DockerClient, run: str, image: str, environment: BuildEnvironment, kind: Machine
) -> Iterator[str]:
    """A running machine with a clone, as its container's id. It ends with this process, however the process ends."""
    try:
        with containers.translate_errors("The bare machine could not be made"), tempfile.TemporaryFile() as archive:
            container = _create(client, run, image, environment, kind)
            _write_files(archive, environment, kind)
            archive.seek(0)
            client.api.put_archive(container, "/", archive)
            hold = streams.open_input(client.api, container)
            client.api.start(container)
        with contextlib.closing(hold):
            if kind.has_engine and _execute(client, container, PREPARE, kind, "/"):
                raise ServerError("The bare machine's /sys could not be made writable.")
            yield container
    finally:
        with uninterrupted():
            containers.remove_run(client, run)


def _create(client: docker.DockerClient, run: str, image: str, environment: BuildEnvironment, kind: Machine) -> str:
    created = client.api.create_container(
        image,
        # bash collects the daemons' zombies; the engine's init would add its program to the machine
        command=["bash", "-c", "cat <&0 & wait"],
        name=naming.container(run, "bare"),
        hostname="bare",
        environment={**environment.variables(), "LANG": "C.UTF-8", "HOME": kind.home},
        labels=containers.labels(run, "bare"),
        host_config=_rights_of_an_engine(client) if kind.has_engine else client.api.create_host_config(),
        stdin_open=True,
    )
    return str(created["Id"])


def _rights_of_an_engine(client: docker.DockerClient) -> dict[str, Any]:
    # these rights equal --privileged, which fails as a whole where this machine lacks a capability
    host_config: dict[str, Any] = client.api.create_host_config(
        cap_add=["ALL"],
        cap_drop=lacked_capabilities(Path("/proc/self/status").read_text()),
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        device_cgroup_rules=["a *:* rwm"],
        cgroupns="private",
        # an engine on an overlay file system cannot use overlay itself, so its images need a volume
        mounts=[Mount(target="/var/lib/docker", source=None, type="volume")],
    )
    host_config.update(MaskedPaths=[], ReadonlyPaths=[])
    return host_config


def _write_files(target: IO[bytes], environment: BuildEnvironment, kind: Machine) -> None:
    """Write a tar of a clone of the last commit, and of the files that reach packages, to *target*."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=target, mode="w", dereference=False) as tar:
        clone = ["git", "-c", "safe.directory=*", "clone", "-q", "--no-hardlinks", f"file://{ROOT}", folder]
        try:
            subprocess.run(clone, check=True, timeout=CLONE_DEADLINE_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise ServerError(f"{ROOT} could not be cloned.", hint="The lines above say why.") from error
        tar.add(
            folder, f"{kind.home}/clone".lstrip("/"), filter=partial(_owned, user=USER_ID if kind.user == USER else 0)
        )
        for place, path in environment.files.items():
            tar.add(path.resolve(), place.lstrip("/"), filter=_owned)


def _owned(member: tarfile.TarInfo, user: int = 0) -> tarfile.TarInfo:
    member.uid = member.gid = user
    member.uname = member.gname = ""
    return member


def _execute(client: docker.DockerClient, container: str, command: str, kind: Machine, folder: str = "") -> int:
    """Run *command* in the container, print its output as it comes, and return its exit status."""
    words = ["timeout", "--kill-after", "10", str(LIMIT_S), "bash", "-c", command]
    with containers.translate_errors("The bare machine could not be reached"):
        created = client.api.exec_create(container, words, workdir=folder or f"{kind.home}/clone", user=kind.user)
        connection = client.api.exec_start(created["Id"], socket=True)
        # the client's own deadline is for an answer, and a command may be silent for longer
        with contextlib.suppress(AttributeError):  # a connection by ssh has none
            connection._sock.settimeout(None)  # type: ignore[union-attr]  # not in the stubs
        try:
            for _, chunk in frames_iter(connection, tty=False):  # type: ignore[no-untyped-call]  # not in the stubs
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
        finally:
            getattr(connection, "_response", connection).close()
            connection.close()
        code = client.api.exec_inspect(created["Id"])["ExitCode"]
    if code is None:
        raise ServerError("The bare machine ended before its command did.")
    return int(code)


def _tell(name: str, line: str) -> None:
    print(f"{name}: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
