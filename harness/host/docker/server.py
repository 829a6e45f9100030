"""The containers of database servers, made by testcontainers, and the engine's events about them.

Owns how a server is made, watched and written to. ``host.engines`` has its environment, ``host.run.servers`` decides when it
is ready.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import docker
from docker.types import LogConfig
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from harness.errors import ServerError
from harness.host.docker import streams
from harness.host.docker.containers import (
    RUN_LABEL,
    SHM_BYTES,
    labels,
    persistent_servers,
    remove_run,
    state_of,
    translate_errors,
)
from harness.host.docker.errors import FAILURES, refused
from harness.host.docker.seeds import saved, volumes
from harness.host.engines.engine import seed_variables
from harness.host.lag.control import LagProxy
from harness.host.platform import LAG_PROXY, HandedOver, PersistentServer, ServerSpec, State, control_failed
from harness.host.seeds.saved import Data
from harness.protocol import naming

LOCALHOST = "127.0.0.1"
MEMORY_FOLDER = "/srv/harness/memory"
"""The folder of a server's databases if a file system in memory is mounted there: ``images/entry.sh`` has it too."""

CONTROL = "/opt/harness/control.sh"
"""The script in a server's image that disturbs it for a test."""

SOCKETS = {"PGHOST": "/tmp", "MYSQL_UNIX_PORT": "/srv/harness/mysqld.sock"}  # noqa: S108 - a container's own
"""The variables by which clients find the server in its container."""

LOG_LIMIT = "32m"
"""The size of a server's log that the engine keeps."""

EVENTS = ("die", "oom", "pause")
ROLES = ("primary", "replica", LAG_PROXY)

# A server ends with its standard input, which this process holds: no watchdog container with the engine's socket is needed.
testcontainers_config.ryuk_disabled = True


@dataclass(frozen=True, slots=True)
class ContainerOptions:
    """The options of the servers of a run that only containers have.

    ``images`` has the image of each engine and version, ``network`` is the name of the run's network. ``publish`` opens the ports
    on 127.0.0.1, for a runner on this machine. ``cache`` names the cache that migrated seeds are from.
    ``lag_proxy`` gives the run's proxy, which its first call starts.
    """

    network: str
    images: Mapping[tuple[str, str], str]
    publish: bool = False
    cache: str = ""
    lag_proxy: Callable[[], LagProxy] | None = None


class DockerPlatform:
    """The platform of servers in containers of the engine behind *client*."""

    def __init__(self, client: docker.DockerClient, options: ContainerOptions) -> None:
        self._client = client
        self._options = options
        self._ports: dict[str, int] = {}

    def server(self, spec: ServerSpec, earlier: str | None = None) -> ServerContainer:
        if spec.lags:
            primary = (spec.environment["HARNESS_PRIMARY"], spec.port)
            port = self.lag_proxy(spec.run).listen(spec.host, "0.0.0.0", 0, primary)  # noqa: S104 - in a container
            way = {"HARNESS_PRIMARY": naming.container(spec.run, LAG_PROXY), "HARNESS_PRIMARY_PORT": str(port)}
            spec = replace(spec, environment={**spec.environment, **way})
        return ServerContainer(self._client, spec, self._options, earlier, self._ports)

    def source(self, spec: ServerSpec) -> str:
        return self._options.images[spec.engine, spec.version]

    def watch(self, run: str, on_event: Callable[[str, str], None]) -> Watch:
        return Watch(self._client, run, on_event)

    def lag_proxy(self, run: str) -> LagProxy:
        assert self._options.lag_proxy is not None
        return self._options.lag_proxy()

    def persistent(self, run: str) -> Mapping[str, PersistentServer]:
        return persistent_servers(self._client, run)

    def remove(self, run: str, hosts: Collection[str] | None = None) -> None:
        remove_run(self._client, run, ROLES, hosts)


class ServerContainer:
    """The container of one server, made by ``start``, or *kept*: the id of one that runs already.

    *ports* are the published ones by host, which the server takes that comes in place of another: the tests know them.
    Every method raises ``ServerError`` when the engine refuses. The caller removes it with ``remove_run``.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        spec: ServerSpec,
        options: ContainerOptions,
        kept: str | None,
        ports: dict[str, int],
    ) -> None:
        self.spec = spec
        self._client = client
        self._options = options
        self._ports = ports
        self._container = _testcontainer(client, spec, options, ports.get(spec.host))
        self._hold: streams.Connection | None = None
        self._log: Any = None
        self._closed = False
        if kept is not None:
            with translate_errors(f"Docker could not find the server {spec.host} again"):
                self._container._container = client.containers.get(kept)

    @property
    def id(self) -> str:
        try:
            return self._container.get_container_id()
        except ContainerStartException as error:
            raise ServerError(f"The server {self.spec.host} was never made.") from error

    def start(self) -> None:
        """Make and start the container, and attach to its standard input unless it has ended by then: ``follow`` shows why."""
        if self.spec.seed is not None:
            volumes.fill(self._client, self.spec.seed, self._container.image, self._options.cache)
        with translate_errors(f"Docker could not start the server {self.spec.host}"):
            self._container.start()
            try:
                if self.spec.is_held:
                    self._hold = streams.open_input(self._client.api, self.id)
            except FAILURES:
                if self.state().is_running:
                    raise

    def write_line(self, line: str) -> None:
        """Write *line* to its standard input."""
        if self._hold is not None:
            with contextlib.suppress(OSError):  # if the server is gone, its log says why
                self._hold.write(line.encode() + b"\n")

    def follow(self) -> Iterator[bytes]:
        """Its log from the beginning, as it comes, until the server ends or ``close`` is called."""
        try:
            self._log = self._client.api.logs(self.id, stream=True, follow=True)
            yield from self._log
        except (*FAILURES, ValueError, AttributeError) as error:
            # reading a response that another thread has closed raises the last two
            if not self._closed:
                raise refused(f"Docker could not read the log of the server {self.spec.host}", error) from error
        finally:
            self._stop_following()

    def close(self) -> None:
        """End ``follow`` and close the standard input, with which the server ends. Safe to call twice."""
        self._closed = True
        self._stop_following()
        if self._hold is not None:
            self._hold.close()

    def state(self) -> State:
        try:
            container = self.id
        except ServerError:
            return State("never made")
        return state_of(self._client, container)

    def has_stopped_process(self) -> bool:
        """Whether one of its processes is stopped by a signal. False where the engine cannot tell."""
        # an engine may have no ps, or one that prints something else
        with contextlib.suppress(ServerError, KeyError, TypeError, *FAILURES):
            processes = self._client.api.top(self.id, ps_args="-o pid,stat")["Processes"]
            return any(state.startswith("T") for _, state in processes)
        return False

    def log(self) -> str:
        """The part of its log that the engine has kept."""
        with translate_errors(f"Docker could not read the log of the server {self.spec.host}"):
            log: Any = self._client.api.logs(self.id)
        return bytes(log).decode(errors="replace")

    def execute(self, command: Sequence[str]) -> tuple[int, str, str]:
        """Run *command* in the container and return exit status, standard output and standard error."""
        with translate_errors(
            f"Docker could not run {command[0]} on the server {self.spec.host}", self._client, self.id
        ):
            result: Any = self._container.get_wrapped_container().exec_run(
                list(command), demux=True, environment=SOCKETS
            )
        out, err = result.output
        return int(result.exit_code), (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace")

    def address(self) -> tuple[str, int]:
        if not self._options.publish:
            return self.spec.host, self.spec.port
        with translate_errors(f"Docker did not publish the port of the server {self.spec.host}"):
            port = self._ports[self.spec.host] = int(self._container.get_docker_client().port(self.id, self.spec.port))
            return LOCALHOST, port

    def state_of_contents(self, since: str, templates: Sequence[str]) -> str:
        return Data(saved.script(self._client, self.id), templates, 0).state(since)

    def control(self, action: str) -> None:
        code, _, errors = self.execute(["sh", CONTROL, action])
        if code != 0:
            raise control_failed(action, self.spec, errors)

    def hand_over(self) -> HandedOver | None:
        descriptor = None if self._hold is None else self._hold.give_away()
        if descriptor is None:
            return None
        self._hold = None
        return HandedOver(self.id, (descriptor,))

    def _stop_following(self) -> None:
        if self._log is not None:
            with contextlib.suppress(*FAILURES, AttributeError):
                self._log.close()
            with contextlib.suppress(*FAILURES, AttributeError):
                self._log._response.close()  # closing the stream leaves its response open


def _testcontainer(
    client: docker.DockerClient, spec: ServerSpec, options: ContainerOptions, published: int | None
) -> DockerContainer:
    image, network = options.images[spec.engine, spec.version], options.network
    container = DockerContainer(image, name=naming.container(spec.run, spec.host), env=dict(spec.environment))
    # the constructor opened its own client, and put the user's registry prefix before the name of an image made here
    inner = container.get_docker_client()
    inner.client.close()
    inner.client = client
    container.image = image
    if options.publish:
        ports: dict[str, Any] = container.ports  # typed for a port alone, but passed unchanged to the engine's client
        ports[f"{spec.port}/tcp"] = (LOCALHOST, published)
    if not spec.is_on_disk:
        size = f",size={spec.memory_bytes}" if spec.memory_bytes else ""
        container.with_tmpfs_mount(MEMORY_FOLDER, f"mode=1777{size}")
    if spec.seed is not None:
        container.with_volume_mapping(naming.seed_volume(spec.seed.digest), volumes.FOLDER, "ro")
        container.with_envs(**seed_variables(volumes.FILE, spec.seed.size))
    return container.with_kwargs(
        hostname=spec.host,
        labels=labels(spec.run, spec.role),
        network=network,
        networking_config={network: client.api.create_endpoint_config(aliases=[spec.host])},
        stdin_open=True,
        shm_size=SHM_BYTES,
        security_opt=["no-new-privileges"],
        cap_drop=["ALL"],
        log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": LOG_LIMIT}),
    )


class Watch:
    """Calls *on_event* with a container's id and one of ``EVENTS``, from a thread of its own, until it is closed.

    If the engine itself goes away, no event comes: the next call to a container shows that.
    """

    def __init__(self, client: docker.DockerClient, run: str, on_event: Callable[[str, str], None]) -> None:
        self._on_event = on_event
        self._stream: Any = None
        with contextlib.suppress(*FAILURES):
            chosen = {"type": "container", "event": list(EVENTS), "label": f"{RUN_LABEL}={run}"}
            self._stream = client.api.events(filters=chosen, decode=True)
            threading.Thread(target=self._follow, name="watch", daemon=True).start()

    def close(self) -> None:
        """Stop watching. Safe to call twice."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(*FAILURES, AttributeError):
                stream.close()

    def _follow(self) -> None:
        with contextlib.suppress(*FAILURES, ValueError, AttributeError):  # another thread has closed it
            for event in self._stream:
                if self._stream is None:
                    return
                self._on_event(event["Actor"]["ID"], event["Action"])
