"""The servers of a run that goes on, in containers or as processes of this machine, and the faults that each can have."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.host.docker.client import connect
from harness.host.docker.containers import ROLE_LABEL, RUN_LABEL
from harness.host.docker.server import SOCKETS
from harness.host.local import folders, processes
from harness.host.local.account import account
from harness.host.local.environment import socket_variables
from harness.host.local.folders import Found
from tests.e2e.command import docker

DRIVERS = Path(__file__).parent / "drivers"
"""A folder with a driver of MySQL for tests that run in this environment, which has PyMySQL."""

CACHE = "FAULTS_CACHE"
"""The variable with the cache of runs on local servers."""

LOCAL = "local "
"""Stands before the backend of a run with local servers: ``local postgres``."""


_STOP = (
    "for each in /proc/[0-9]*; do case $(cat $each/comm) in"
    " postgres|mysqld|mariadbd) kill -STOP ${each#/proc/};; esac; done"
)


_SMALL_DISK = """
mount -t tmpfs -o size=32m,mode=1777 tmpfs /dev/shm
mount -t tmpfs -o size=500m,mode=1777 tmpfs /var/tmp
export TMPDIR=/var/tmp
exec "$@"
"""


class Containers:
    """The containers of a run on the engine. *user* is one of the run's servers alone."""

    arguments: tuple[str, ...] = ()
    small_disk: tuple[str, ...] = ()
    """The command before a run whose servers have little room: the project's memory_size limits these."""

    @property
    def variables(self) -> Mapping[str, str]:
        """Further variables of the run."""
        return {}

    paused = "is paused"
    too_short_s = 0.2

    def __init__(self, user: str) -> None:
        self._user = user
        self._id: str | None = None

    def remember(self) -> bool:
        """Find out the run's id while its servers are there; whether it is known."""
        with _engine() as client:
            return self._run(client) is not None

    def find(self, role: str | None = None) -> list[str]:
        """The ids of this run's containers, of one role."""
        with _engine() as client:
            run = self._run(client)
            found = client.api.containers(all=True, filters={"label": f"{RUN_LABEL}={run}"}) if run else []
            return [entry["Id"] for entry in found if role is None or entry["Labels"][ROLE_LABEL] == role]

    def kill(self, role: str) -> None:
        self._do(role, "kill")

    def stop(self, role: str) -> None:
        self._do(role, "stop", "-t", "5")

    def pause(self, role: str) -> None:
        self._do(role, "pause")

    def stop_processes(self, role: str) -> None:
        """Stop each process of the server by a signal."""
        self.shell(role, _STOP)

    def shell(self, role: str, script: str) -> None:
        """Run a script as an administrator beside the server."""
        (container,) = self.find(role)
        sockets = [word for name, value in SOCKETS.items() for word in ("-e", f"{name}={value}")]
        docker("exec", *sockets, container, "sh", "-euc", script)

    def left(self) -> tuple[str, ...]:
        with _engine() as client:
            if (run := self._run(client)) is None:
                return ()
            ours = {"label": f"{RUN_LABEL}={run}"}
            containers = [name for entry in client.api.containers(all=True, filters=ours) for name in entry["Names"]]
            return (*containers, *(entry["Name"] for entry in client.api.networks(filters=ours)))

    def _do(self, role: str, *command: str) -> None:
        (container,) = self.find(role)
        docker(*command, container)

    def _run(self, client: Any) -> str | None:
        if self._id is None:
            for entry in client.api.containers(all=True, filters={"label": RUN_LABEL}):
                with contextlib.suppress(Exception):  # it has gone meanwhile
                    env = client.api.inspect_container(entry["Id"])["Config"]["Env"]
                    if any(self._user in pair for pair in env):
                        self._id = entry["Labels"][RUN_LABEL]
        return self._id


class Processes:
    """The local servers of a run, with the methods of ``Containers``."""

    arguments = ("--servers", "local")
    small_disk = ("unshare", "--mount", "sh", "-euc", _SMALL_DISK, "sh")
    paused = "is stopped by a signal"
    too_short_s = 0.02

    def __init__(self, user: str) -> None:
        self._user = user
        self._id: str | None = None

    @property
    def variables(self) -> Mapping[str, str]:
        """The cache is the user's own where ``CACHE`` names none: the programs of a server stay from one run to the next."""
        return {"PYTHONPATH": str(DRIVERS), "HARNESS_CACHE": os.environ.get(CACHE, "")}

    def remember(self) -> bool:
        for found in folders.find(account()):
            if found.description and self._user in found.description.environment.get("HARNESS_USERS", ""):
                self._id = found.description.run
        return self._id is not None

    def kill(self, role: str) -> None:
        self._signal(role, signal.SIGKILL)

    def stop(self, role: str) -> None:
        supervisor = self._server(role).pid
        assert supervisor
        os.kill(supervisor, signal.SIGTERM)

    def pause(self, role: str) -> None:
        """Stop every process of the server: a session of PostgreSQL is one of its own, and would go on."""
        main = processes.main_process(Path(self._server(role).path))
        assert main is not None
        for process in (main, *(child for child, _ in processes.below(main))):
            with contextlib.suppress(ProcessLookupError):  # it was short-lived
                os.kill(process, signal.SIGSTOP)

    def stop_processes(self, role: str) -> None:
        self.pause(role)

    def shell(self, role: str, script: str) -> None:
        server = self._server(role)
        assert server.description is not None
        variables = server.description.variables
        path = os.pathsep.join([*server.description.folders, os.environ["PATH"]])
        places = socket_variables(str(server.path), server.description.port)
        environment = {**os.environ, **variables, **places, "PATH": path}
        subprocess.run(["sh", "-euc", script], env=environment, check=True, timeout=60, stdout=subprocess.DEVNULL)

    def left(self) -> tuple[str, ...]:
        return tuple(str(each.path) for each in self._all())

    def _all(self) -> list[Found]:
        self.remember()
        return [each for each in folders.find(account()) if each.description and each.description.run == self._id]

    def _server(self, role: str) -> Found:
        (found,) = [each for each in self._all() if each.description and each.description.role == role]
        return found

    def _signal(self, role: str, signum: int) -> None:
        main = processes.main_process(Path(self._server(role).path))
        assert main is not None
        os.kill(main, signum)


@contextlib.contextmanager
def _engine() -> Iterator[Any]:
    with contextlib.closing(connect()) as client:
        yield client
