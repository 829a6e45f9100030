"""The platform of database servers, as an interface: a Docker engine, or this machine's own processes.

Owns the data that both have in common. ``host.docker.server`` is the platform of containers; ``host.run.servers`` uses a platform
without knowing which.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from harness.errors import ServerError

if TYPE_CHECKING:
    from harness.host.lag.control import LagProxy


LAG_PROXY = "lag-proxy"
"""The name in the run of the proxy between primaries and replicas."""


@dataclass(frozen=True, slots=True)
class State:
    """The state of a server: the engine's word for it, or ``removed``, or ``never made``. ``code`` is its exit status;
    ``None`` for a server that does not exist.
    """

    status: str
    code: int | None = None
    oom_killed: bool = False

    @property
    def is_running(self) -> bool:
        return self.status in ("created", "running", "restarting", "paused")

    def __str__(self) -> str:
        """The state as the end of a sentence: ``is running``, ``ended with exit status 1``."""
        if self.is_running:
            return f"is {self.status}"
        if self.status in ("exited", "dead"):
            return f"ended with exit status {self.code}" + (", out of memory" if self.oom_killed else "")
        return f"was {self.status}"


@dataclass(frozen=True, slots=True)
class Seed:
    """A migrated seed: a tar of a data directory that a server starts on. ``digest`` is its name, ``size`` the bytes of the tar.

    ``read`` gives the tar in pieces; raises ``OSError`` or ``ValueError`` where it cannot be read any more.
    """

    digest: str
    size: int
    read: Callable[[], Iterator[bytes]] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """The options of one server. ``host`` is its name in the run, which is the server's id in the plan.

    ``engine`` and ``version`` are those of the plan. Its databases are in memory, at most ``memory_bytes``, 0 for half of the
    memory of the machine; with ``is_on_disk`` they are not. A server that ``is_held`` ends when this process does. ``seed`` is a
    migrated one, ``None`` for the platform's own. A replica that ``lags`` reaches its primary through the proxy of the run.
    """

    run: str
    host: str
    role: str
    engine: str
    version: str
    port: int
    environment: Mapping[str, str] = field(repr=False)
    is_on_disk: bool = False
    memory_bytes: int = 0
    is_held: bool = True
    seed: Seed | None = None
    lags: bool = False


@dataclass(frozen=True, slots=True)
class PersistentServer:
    """A server that an earlier run has left running: its id, the source of its programs, and its environment."""

    id: str
    source: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A server for another process: its id, and the descriptors that are its lease, which that process inherits."""

    id: str
    lease: tuple[int, ...]


def control_failed(action: str, spec: ServerSpec, errors: str) -> ServerError:
    """The error for an *action* of ``images/control.sh`` on the server of *spec*, with the script's *errors*."""
    return ServerError(
        f"{action} has failed on the server {spec.host}.", "Its log is in the artifacts.", evidence=errors.strip()
    )


class Server(Protocol):
    """One server. Every method raises ``ServerError`` when the platform refuses. ``Platform.remove`` removes it."""

    @property
    def id(self) -> str:
        """Its name for the platform. Raises ``ServerError`` before ``start``."""

    def start(self) -> None:
        """Make and start it, and hold its lease unless it has ended by then: ``follow`` shows why."""

    def write_line(self, line: str) -> None:
        """Write *line* to its standard input."""

    def follow(self) -> Iterator[bytes]:
        """Its log from the beginning, as it comes, until the server ends or ``close`` is called."""

    def close(self) -> None:
        """End ``follow`` and the lease, with which the server ends. Safe to call twice."""

    def state(self) -> State: ...

    def has_stopped_process(self) -> bool:
        """Whether one of its processes is stopped by a signal. False where the platform cannot tell."""

    def log(self) -> str:
        """The part of its log that the platform has kept."""

    def execute(self, command: Sequence[str]) -> tuple[int, str, str]:
        """Run *command* beside the server and return exit status, standard output and standard error."""

    def address(self) -> tuple[str, int]:
        """Host and port by which the tests reach it."""

    def state_of_contents(self, since: str, templates: Sequence[str]) -> str:
        """A list of all that it has besides clones of *templates*, by ``images/save.sh``; *since* is empty, or an earlier result.
        Raises ``ServerError`` where it cannot be said.
        """

    def control(self, action: str) -> None:
        """Carry out *action* of ``images/control.sh`` on it. Raises ``ServerError`` with the output of a failure."""

    def hand_over(self) -> HandedOver | None:
        """Give its lease away, to a process that saves its data; ``None`` where the lease cannot be given away."""


class Watch(Protocol):
    """Reports losses of servers until it is closed."""

    def close(self) -> None:
        """Stop watching. Safe to call twice."""


class Platform(Protocol):
    """Makes servers, finds those of an earlier run, and removes them."""

    def server(self, spec: ServerSpec, earlier: str | None = None) -> Server:
        """The server that *spec* describes, not yet started; or *earlier*, the id of one that runs."""

    def source(self, spec: ServerSpec) -> str:
        """The source of the server's programs, as people read it: an image, a package."""

    def watch(self, run: str, on_event: Callable[[str, str], None]) -> Watch:
        """Call *on_event* with a server's id and ``die``, ``oom``, ``pause`` or ``stop`` (by a signal) as it happens, from a
        thread of its own.
        """

    def lag_proxy(self, run: str) -> LagProxy:
        """The proxy between the primaries of *run* and the replicas that lag, which the first call starts. ``watch`` reports its
        end, by its id. Raises ``ServerError``.
        """

    def persistent(self, run: str) -> Mapping[str, PersistentServer]:
        """The servers of *run* that are running, by host name."""

    def remove(self, run: str, hosts: Collection[str] | None = None) -> None:
        """Remove the servers of *run* and its proxy, or *hosts* of them (``LAG_PROXY`` is the proxy's). Raises one
        ``ServerError`` for all that could not be removed.
        """
