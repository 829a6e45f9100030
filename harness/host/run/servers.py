"""Starts all servers of a plan at once, and removes them in every case.

Owns the definition of "ready": a server has written its ready line to its log, before its deadline. ``planning.plan`` decides
which servers there are, ``host.engines`` their environment. Reads no environment.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from harness.errors import ServerError, UsageError
from harness.host.engines import Boot, Replication
from harness.host.engines.engine import READY
from harness.host.planning.plan import PlannedServer, ServerPlan
from harness.host.platform import (
    HandedOver,
    PersistentServer,
    Platform,
    Seed,
    Server,
    ServerSpec,
    State,
    Watch,
)
from harness.protocol.events import ServerReady
from harness.protocol.messages import Endpoint

LOG_LINES = 30
"""The last lines of a server's log that are the evidence of an error."""
ROLES = ("primary", "replica")
STOPPED = "is stopped by a signal"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options of all servers of a run, on every platform. ``run`` is the run's id.

    ``startup_s`` is the longest time until all servers are ready. Databases are in memory, where their files cost
    least, with ``sizes`` as the limit in bytes for each server of an engine; those of the engines ``on_disk`` are on the
    platform's disk. ``replication`` is the method of an engine that has more than one. Servers that are ``persistent`` outlive
    the run, and the next one finds them by the run's id; ``password`` is theirs then. Those that do not fit the plan are
    replaced if they are ``is_replaceable``. ``seeds`` are migrated seeds by primary server; a replica starts on its primary's.
    """

    run: str
    startup_s: float = 60.0
    on_disk: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)
    replication: Mapping[str, Replication] = field(default_factory=dict)
    persistent: bool = False
    is_replaceable: bool = True
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    seeds: Mapping[str, Seed] = field(default_factory=dict)


class Servers:
    """The servers of a plan: ``start``, then ``close`` in every case. ``with Servers(...) as servers`` does both."""

    def __init__(
        self,
        platform: Platform,
        plan: ServerPlan,
        options: ServerOptions,
        on_ready: Callable[[ServerReady], None] | None = None,
        on_loss: Callable[[str, ServerError], None] | None = None,
    ) -> None:
        self._platform = platform
        self._plan = plan
        self._options = options
        self._on_ready = on_ready
        self._on_loss = on_loss
        self._watch: Watch | None = None
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(plan.servers)), thread_name_prefix="server")
        self._servers: dict[str, Server] = {}
        self._serves = {server.id: threading.Event() for server in plan.servers}
        self._given_up = threading.Event()
        self._began = 0.0
        self._ready: dict[str, ServerReady] = {}
        self._logs: dict[str, str] | None = None

    def __enter__(self) -> Servers:
        with contextlib.ExitStack() as on_error:
            on_error.callback(self.close)
            self.start()
            on_error.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def start(self) -> None:
        """Start all servers side by side; return when every one is ready, each replica streaming. To be called once.

        Raises ``ServerError`` with the end of the log of the first server that fails, or is late, and when ``give_up`` is
        called meanwhile.
        """
        self._began = time.monotonic()
        self._watch = self._platform.watch(self._options.run, self._see)
        try:
            earlier = self._earlier()
            futures = [self._pool.submit(self._start, server, earlier.get(server.id)) for server in self._plan.servers]
            for future in as_completed(futures, timeout=self._options.startup_s):
                ready = future.result()
                self._ready[ready.server] = ready
                if self._on_ready is not None:
                    self._on_ready(ready)
        except BaseException as error:
            late = self._late() if isinstance(error, TimeoutError) else None
            self.give_up()
            if late is not None:
                raise late from None
            if isinstance(error, RuntimeError):  # the pool was shut down before the servers began
                raise _unwanted() from error
            raise

    def give_up(self) -> None:
        """End every server, and ``start`` too, in whichever thread it runs: it raises ``ServerError``."""
        self._given_up.set()
        if self._watch is not None:
            self._watch.close()
        for event in self._serves.values():
            event.set()
        for server in tuple(self._servers.values()):
            server.close()

    def close(self) -> None:
        """End all servers and remove them; ``logs`` still works afterwards. Safe from any thread, and twice.

        Raises ``ServerError`` when a server could not be removed.
        """
        if self._logs is None:
            self._logs = self._read_logs()
        self.give_up()
        self._pool.shutdown()
        self.give_up()  # again, for a server that was being made meanwhile
        is_kept = self._options.persistent and len(self._ready) == len(self._plan.servers)
        if not is_kept and self._options.is_replaceable:
            self._platform.remove(self._options.run, ROLES)

    def ready(self) -> tuple[ServerReady, ...]:
        """The event of each server that is ready, in their order."""
        return tuple(self._ready[server.id] for server in self._plan.servers if server.id in self._ready)

    def primaries(self) -> dict[str, Server]:
        """The primary servers by id."""
        return {server.id: self._servers[server.id] for server in self._plan.servers if server.primary is None}

    def hand_over(self) -> dict[str, HandedOver]:
        """Give the primaries to another process, and end and remove the replicas; nothing is to be closed afterwards. Empty where
        a primary cannot be given away: then ``close`` is to be called as ever.

        Raises ``ServerError`` when a replica could not be removed.
        """
        self._logs = self._read_logs()
        self._given_up.set()
        if self._watch is not None:
            self._watch.close()
        given = {id: server.hand_over() for id, server in self.primaries().items()}
        whole = {id: one for id, one in given.items() if one is not None}
        if len(whole) < len(given):
            for one in whole.values():
                for descriptor in one.lease:
                    os.close(descriptor)
            return {}
        for server in self._servers.values():
            server.close()
        self._pool.shutdown()
        self._platform.remove(self._options.run, ("replica",))
        return whole

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The address of each server as the runner reaches it."""
        return tuple(self._endpoint(server) for server in self._plan.servers)

    def failures(self) -> dict[str, ServerError]:
        """An error for each server that was ready and has ended without a request, by the server's id."""
        states = ((server, self._servers[server.id].state()) for server in self._serving())
        return {server.id: self._ended(server, state) for server, state in states if not state.is_running}

    def losses(self) -> dict[str, ServerError]:
        """An error for each server that was ready and cannot serve (it has ended, is paused, or a process of it is
        stopped), by the server's id.

        Sends no query: the runner got no answer, and that alone does not prove a loss.
        """
        losses = {}
        for server in self._serving():
            known = self._servers[server.id]
            state = known.state()
            if state.status != "running":
                losses[server.id] = self._ended(server, state)
            elif known.has_stopped_process():
                losses[server.id] = self._ended(server, STOPPED)
        return losses

    def _serving(self) -> list[PlannedServer]:
        """The servers that were ready; none once they are being ended."""
        return [server for server in self._plan.servers if server.id in self._ready and not self._given_up.is_set()]

    def _see(self, id: str, what: str) -> None:
        """Report a loss if the platform's event *what* is about a server that is up."""
        for server in self._serving():
            known = self._servers[server.id]
            if known.id == id and self._on_loss is not None:
                states: dict[str, State | str] = {"pause": State("paused"), "stop": STOPPED}
                self._on_loss(server.id, self._ended(server, states.get(what) or known.state()))

    def create_database(self, server: str, database: str, owner: str) -> None:
        """Make *database* on *server* unless it is there. Raises ``ServerError`` with the output of the server's client."""
        engine = next(planned.engine for planned in self._plan.servers if planned.id == server)
        code, _, err = self._servers[server].execute(engine.create_database(database, owner))
        if code != 0:
            raise ServerError(f"The database {database!r} on {server} could not be made.", evidence=err.strip())

    def dump_schema(self, server: str, database: str) -> str:
        """The SQL that makes the schema of *database*. Raises ``ServerError`` with the output of the server's tool."""
        engine = next(planned.engine for planned in self._plan.servers if planned.id == server)
        code, out, err = self._servers[server].execute(engine.dump_schema(database))
        if code != 0:
            raise ServerError(
                f"The schema of {database!r} on {server} could not be written down.",
                hint="The rest of the run does not depend on it.",
                evidence=err.strip(),
            )
        return engine.schema_noise.sub("", out)

    def logs(self) -> dict[str, str]:
        """The log of each server by its id, including failed ones, and also after ``close``."""
        return self._read_logs() if self._logs is None else self._logs

    def _earlier(self) -> Mapping[str, PersistentServer]:
        """The servers of an earlier run, by host name, if they match the plan exactly; otherwise removes them, for none.

        Raises ``UsageError`` where they may not be removed.
        """
        if not self._options.persistent:
            return {}
        found = self._platform.persistent(self._options.run)
        specs = {server.id: self._spec(server) for server in self._plan.servers}
        if found.keys() == specs.keys() and all(
            found[id].source == self._platform.source(spec)
            and spec.environment.items() <= found[id].environment.items()
            for id, spec in specs.items()
        ):
            return found
        if not self._options.is_replaceable:
            raise UsageError(
                f"The servers of harness up ({', '.join(sorted(found))}) do not fit this project any more, which needs other "
                f"servers, users or versions: {', '.join(map(_title, self._plan.servers))}.",
                hint="harness down ends them, with all that is in their databases; harness up then starts others.",
            )
        self._platform.remove(self._options.run, ROLES)
        return {}

    def _start(self, server: PlannedServer, earlier: PersistentServer | None) -> ServerReady:
        """Start *server*, unless it is an *earlier* run's, and wait until it is ready. Runs in a thread of its own."""
        spec = self._spec(server)
        made = self._platform.server(spec, earlier.id if earlier else None)
        self._servers[server.id] = made
        if server.primary is not None and not spec.is_held:
            self._serves[server.primary].wait()
        if earlier is None:
            made.start()
        if server.primary is not None:
            self._serves[server.primary].wait()
            made.write_line("the primary serves")
        seen = b""
        for chunk in () if self._given_up.is_set() else made.follow():
            seen += chunk
            text = seen.decode(errors="replace")
            if READY.search(text):
                self._serves[server.id].set()
                return self._is_ready(server, text)
        if self._given_up.is_set():
            raise _unwanted()
        raise self._ended(server, made.state())

    def _is_ready(self, server: PlannedServer, log: str) -> ServerReady:
        version = server.engine.version_line.search(log)
        return ServerReady(
            server=server.id,
            engine=server.engine.name,
            version=version[1] if version else server.version,
            role=server.role,
            primary=server.primary,
            image=self._platform.source(self._spec(server)),
            ready_s=round(time.monotonic() - self._began, 3),
        )

    def _spec(self, server: PlannedServer) -> ServerSpec:
        is_held = not self._options.persistent
        boot = Boot(
            server.role,
            self._options.password,
            server.users,
            server.primary or "",
            is_held,
            self._options.replication.get(server.engine.name, "gtid"),
        )
        return ServerSpec(
            run=self._options.run,
            host=server.id,
            role=server.role,
            engine=server.engine.name,
            version=server.version,
            port=server.engine.port,
            environment=boot.environment,
            is_on_disk=server.engine.name in self._options.on_disk,
            memory_bytes=self._options.sizes.get(server.engine.name, 0),
            is_held=is_held,
            seed=self._options.seeds.get(server.primary or server.id),
        )

    def _endpoint(self, server: PlannedServer) -> Endpoint:
        host, port = self._servers[server.id].address()
        is_in_memory = server.engine.name not in self._options.on_disk
        return Endpoint(server.id, server.role, host, port, self._options.password, is_in_memory)

    def _read_logs(self) -> dict[str, str]:
        logs = {}
        for id, container in tuple(self._servers.items()):
            with contextlib.suppress(ServerError):  # a server that was never made has no log
                logs[id] = container.log().replace(self._options.password, "***")
        return logs

    def _tail(self, server: PlannedServer) -> str:
        return "\n".join(self._read_logs().get(server.id, "").splitlines()[-LOG_LINES:])

    def _ended(self, server: PlannedServer, state: State | str) -> ServerError:
        return ServerError(
            f"The server {_title(server)} {state}.", hint=server.engine.hint, evidence=self._tail(server)
        )

    def _late(self) -> ServerError:
        server = next(server for server in self._plan.servers if server.id not in self._ready)
        made = self._servers.get(server.id)
        state = made.state() if made else State("never made")
        return ServerError(
            f"The server {_title(server)} was not ready after {self._options.startup_s:g} s: it {state}.",
            hint="startup_timeout in [tool.harness] gives servers longer. " + server.engine.hint,
            evidence=self._tail(server),
        )


def _title(server: PlannedServer) -> str:
    """*server*'s name in a message: ``replica (PostgreSQL 17, replica of default)``."""
    role = f"replica of {server.primary}" if server.primary else "primary"
    return f"{server.id} ({server.engine.title} {server.version}, {role})"


def _unwanted() -> ServerError:
    return ServerError("The servers were no longer wanted.")
