"""A primary and its replica as a workflow can write them: two service containers of the official layout, each with a command.

Their data directories are on the engine's disk and made at the start, the replica's by ``pg_basebackup``. They are up once both
accept connections; they are asked every tenth of a second.
"""

from __future__ import annotations

import time
from typing import Any

from ci.benchmark.ground import STARTUP_S
from harness.errors import HarnessError
from harness.host.docker.client import Client

PRIMARY, REPLICA = "service-primary", "service-replica"
USER, PASSWORD = "shop", "service"
_ASK_S = 0.1
_PATH = "PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':'); export PATH;"
_COMMANDS = {
    PRIMARY: "printf '%s\\n' 'local all all trust' 'host all all all scram-sha-256' 'host replication all all scram-sha-256'"
    " >/tmp/pg_hba.conf; exec sh /usr/local/bin/docker-entrypoint.sh postgres -c hba_file=/tmp/pg_hba.conf",
    REPLICA: f'until pg_basebackup -h {PRIMARY} -U {USER} -D "$PGDATA" --checkpoint=fast -R; do sleep {_ASK_S}; done;'
    " exec postgres -c listen_addresses='*'",
}


class ServicePair:
    """The two service containers on *network*, from *image*."""

    def __init__(self, client: Client, network: str, image: str) -> None:
        self._client: Any = client
        self._network = network
        self._image = image
        self._containers: list[Any] = []

    def start(self) -> float:
        """The seconds from the first container's start until both servers accept connections."""
        begin = time.perf_counter()
        for name, command in _COMMANDS.items():
            variables = {"POSTGRES_USER": USER, "POSTGRES_PASSWORD": PASSWORD, "PGPASSWORD": PASSWORD}
            self._containers.append(
                self._client.containers.run(
                    self._image,
                    entrypoint=["sh", "-c", f"{_PATH} {command}"],
                    environment=variables,
                    name=f"{self._network}-{name}",
                    hostname=name,
                    networking_config={self._network: self._client.api.create_endpoint_config(aliases=[name])},
                    network=self._network,
                    detach=True,
                )
            )
        until = begin + STARTUP_S
        for container in self._containers:
            while container.exec_run(["sh", "-c", f"{_PATH} pg_isready -q -h $(hostname)"]).exit_code != 0:
                if time.perf_counter() > until:
                    raise HarnessError("The service containers are not up.", evidence=container.logs().decode()[-2000:])
                time.sleep(_ASK_S)
        return time.perf_counter() - begin

    def remove(self) -> None:
        """Remove the containers with their volumes."""
        while self._containers:
            self._containers.pop().remove(force=True, v=True)
