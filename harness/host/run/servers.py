"""Starts all servers of a plan at once, takes over those of another plan that are the same, and removes them in every case.

Owns the definition of "ready": all servers are before their deadline. ``planning.plan`` decides which servers there are,
``start_state`` which of them go on, ``host.engines`` their environment. Reads no environment.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

from harness.errors import ServerError, UsageError
from harness.host.engines import Boot, Replication
from harness.host.lag.control import LagProxy
from harness.host.planning.plan import PlannedServer, ServerPlan
from harness.host.planning.start_state import unchanged
from harness.host.platform import (
    LAG_PROXY,
    HandedOver,
    PersistentServer,
    Platform,
    Seed,
    Server,
    ServerSpec,
    State,
    Watch,
)
from harness.host.run.one_server import OneServer, title, unwanted
from harness.protocol.events import ServerReady
from harness.protocol.messages import Endpoint

STOPPED = "is stopped by a signal"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options of all servers of a run, on every platform. ``run`` is the run's id.

    ``startup_s`` is the longest time until all servers are ready. Databases are in memory, where their files cost
    least, with ``sizes`` as the limit in bytes for each server of an engine; those of the engines ``on_disk`` are on the
    platform's disk. ``replication`` is the method of an engine that has more than one. Servers that are ``persistent`` outlive
    the run, and the next one finds them by the run's id; ``password`` is theirs then. Those that do not fit the plan are
    replaced if they are ``is_replaceable``. ``seeds`` are migrated seeds by primary server; a replica starts on its primary's.
    ``has_lag``: the replicas can be made late, or frozen.
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
    has_lag: bool = False


class Servers:
    """The servers of a plan: ``start``, then ``close`` in every case. ``with Servers(...) as servers`` does both.

    Of those *replaced*, which are not to be used any more, the ones that are the same go on, and ``start`` ends the others.
    """

    def __init__(
        self,
        platform: Platform,
        plan: ServerPlan,
        options: ServerOptions,
        on_ready: Callable[[ServerReady], None] | None = None,
        on_loss: Callable[[str, ServerError], None] | None = None,
        replaced: Servers | None = None,
    ) -> None:
        self._platform = platform
        self._plan = plan
        self._options = options
        self._on_ready = on_ready
        self._on_loss = on_loss
        self._watch: Watch | None = replaced._watch if replaced is not None else None
        self._interrupted: Future[None] = Future()
        self.disturbed: dict[str, frozenset[str]] = {}
        """The actions of tests that disturb servers now, by the server's id, as ``actions.failover`` has them."""
        self.disturbing = threading.Lock()
        """Held by an action: what a test has begun may not have ended when its worker has."""
        self._logs: dict[str, str] | None = None
        self._servers: dict[str, OneServer] = {}
        self._leaving: list[OneServer] = []
        self._proxy: LagProxy | None = replaced._proxy if replaced is not None else None
        self._take(replaced)
        size = len(self._servers) + len(self._leaving)
        self._pool = ThreadPoolExecutor(max_workers=max(1, size), thread_name_prefix="server")

    def _take(self, replaced: Servers | None) -> None:
        """Take over the servers of *replaced*: those that go on, and those that are to be ended."""
        before = replaced._servers if replaced is not None else {}
        specs = {server.id: self._spec(server) for server in self._plan.servers}
        kept = unchanged(self._plan.servers, specs, {id: one.spec for id, one in before.items() if one.is_well})
        for server in self._plan.servers:
            primary = self._servers[server.primary] if server.primary is not None else None
            is_kept = server.id in kept
            self._servers[server.id] = before[server.id] if is_kept else OneServer(server, specs[server.id], primary)
        self._leaving += [one for id, one in before.items() if id not in kept and one.starting is not None]
        if replaced is not None:
            self._leaving += [one for one in replaced._leaving if not one.is_removed]
            replaced._pool.shutdown(wait=False)

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

        Raises ``ServerError`` with the end of the log of the first server that fails, or is late, and when ``give_up`` or
        ``interrupt`` is called meanwhile.
        """
        before, self._watch = self._watch, self._platform.watch(self._options.run, self._see)
        if before is not None:
            before.close()
        try:
            self._await(self._begin())
        except BaseException as error:
            late = self._late() if isinstance(error, TimeoutError) else None
            if not self.is_interrupted:
                self.give_up()
            if late is not None:
                raise late from None
            if isinstance(error, RuntimeError):  # the pool was shut down before the servers began
                raise unwanted() from error
            raise

    def _begin(self) -> list[Future[None]]:
        """Start what does not run yet, each server in a thread of its own, and end what is not wanted any more."""
        ends: dict[str, list[Future[None]]] = {}
        for one in self._leaving:
            if one.ending is None:  # else the servers that were replaced have begun with it
                one.ending = self._pool.submit(self._end, one)
            ends.setdefault(one.planned.id, []).append(one.ending)
        earlier = self._earlier()
        for id, one in self._servers.items():
            if one.starting is None:
                one.starting = self._pool.submit(self._start, one, earlier.get(id), ends.get(id, ()))
        return [*itertools.chain(*ends.values()), *(one.starting for one in self._servers.values() if one.starting)]

    def _await(self, futures: list[Future[None]]) -> None:
        """Wait until all *futures* have come; raises what one raises, and ``ServerError`` after ``interrupt``."""
        left = len(futures)
        for future in as_completed([*futures, self._interrupted], timeout=self._options.startup_s) if left else ():
            if future is self._interrupted:
                raise unwanted()
            future.result()
            left -= 1
            if not left:
                return

    def interrupt(self) -> None:
        """Have ``start`` raise ``ServerError`` now, if it is at work. No server ends: others are to replace these."""
        with contextlib.suppress(InvalidStateError):
            self._interrupted.set_result(None)

    @property
    def is_interrupted(self) -> bool:
        return self._interrupted.done()

    def give_up(self) -> None:
        """End every server, and ``start`` too, in whichever thread it runs: it raises ``ServerError``."""
        if self._watch is not None:
            self._watch.close()
        ours = (*self._servers.values(), *self._leaving)
        for one in ours:
            one.given_up.set()  # before its primary seems to serve
        for one in ours:
            one.give_up()

    def close(self) -> None:
        """End all servers and remove them; ``logs`` still works afterwards. Safe from any thread, and twice.

        Raises ``ServerError`` when a server could not be removed.
        """
        if self._logs is None:
            self._logs = self._read_logs()
        self.give_up()
        self._pool.shutdown()
        for one in (*self._servers.values(), *self._leaving):
            one.end()  # again, for a server that was being made meanwhile
        is_kept = self._options.persistent and all(one.ready for one in self._servers.values())
        if not is_kept and self._options.is_replaceable:
            self._platform.remove(self._options.run)

    def ready(self) -> tuple[ServerReady, ...]:
        """The event of each server that is ready, in their order."""
        return tuple(one.ready for one in self._servers.values() if one.ready is not None)

    @property
    def ids(self) -> tuple[str, ...]:
        """The servers, each primary before its replicas."""
        return tuple(sorted(self._servers, key=lambda id: self._servers[id].planned.primary is not None))

    @property
    def may_be_disturbed(self) -> bool:
        """Whether tests may stop and replace servers: those that outlive the run belong to its user."""
        return not self._options.persistent

    def server(self, id: str) -> Server:
        """The server *id* on its platform."""
        return self._servers[id].server

    def renew(self, id: str, *, lags: bool = False) -> None:
        """Replace *id*, a replica, by a new one on the same seed, which *lags* or which does if the old one did. Raises
        ``ServerError`` if it does not become ready.
        """
        old = self._servers[id]
        old.end()
        self._platform.remove(self._options.run, [id])
        spec = replace(old.spec, lags=lags or old.spec.lags)
        one = self._servers[id] = OneServer(old.planned, spec, self._servers[old.planned.primary or ""])
        one.starting = self._pool.submit(self._start, one, None, ())
        try:
            one.starting.result(self._options.startup_s)
        except TimeoutError:
            one.give_up()
            raise self._late() from None

    def primaries(self) -> dict[str, Server]:
        """The primary servers by id."""
        return {id: one.server for id, one in self._servers.items() if one.planned.primary is None}

    def hand_over(self) -> dict[str, HandedOver]:
        """Give the primaries to another process, and end and remove the replicas; nothing is to be closed afterwards. Empty where
        a primary cannot be given away: then ``close`` is to be called as ever.

        Raises ``ServerError`` when a replica could not be removed.
        """
        self._logs = self._read_logs()
        for one in self._servers.values():
            one.given_up.set()
        if self._watch is not None:
            self._watch.close()
        given = {id: server.hand_over() for id, server in self.primaries().items()}
        whole = {id: one for id, one in given.items() if one is not None}
        if len(whole) < len(given):
            for descriptor in itertools.chain.from_iterable(handed.lease for handed in whole.values()):
                os.close(descriptor)
            return {}
        for one in self._servers.values():
            one.server.close()
        self._pool.shutdown()
        self._platform.remove(self._options.run, [LAG_PROXY, *(id for id in self._servers if id not in given)])
        return whole

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The address of each server as the runner reaches it."""
        return tuple(self._endpoint(server) for server in self._plan.servers)

    def is_late(self, id: str) -> bool:
        """Whether *id* is a replica behind the proxy."""
        return self._servers[id].spec.lags

    def lag_proxy(self, replica: str) -> LagProxy:
        """The proxy through which *replica*, a server's id, follows its primary. Raises ``ServerError`` if it has none."""
        one = self._servers.get(replica)
        if self._proxy is None or one is None or not one.spec.lags:
            text = f"{replica} is no replica that can be late in this run."
            raise ServerError(text, hint="--replica-lag 500ms makes replicas late.")
        return self._proxy

    def failures(self) -> dict[str, ServerError]:
        """An error for each server that was ready and has ended without a request, by the server's id."""
        states = ((one, one.server.state()) for one in self._serving())
        return {one.planned.id: one.ended(state) for one, state in states if not state.is_running}

    def losses(self) -> dict[str, ServerError]:
        """An error for each server that was ready and cannot serve (it has ended, is paused, or a process of it is
        stopped), by the server's id.

        Sends no query: the runner got no answer, and that alone does not prove a loss.
        """
        losses = {}
        for one in self._serving():
            state = one.server.state()
            if one.planned.id in self.disturbed:
                continue
            if state.status != "running":
                losses[one.planned.id] = one.ended(state)
            elif one.server.has_stopped_process():
                losses[one.planned.id] = one.ended(STOPPED)
        return losses

    def _serving(self) -> list[OneServer]:
        """The servers that were ready; none once they are being ended."""
        return [one for one in self._servers.values() if one.ready is not None and not one.given_up.is_set()]

    def _see(self, id: str, what: str) -> None:
        """Report a loss if the platform's event *what* is about a server that is up, or about the proxy."""
        if self._proxy is not None and self._proxy.id == id and self._on_loss is not None:
            self._on_loss(LAG_PROXY, self._proxy.ended())
        for one in self._serving():
            if one.planned.id in self.disturbed:
                continue
            if one.server.id == id and self._on_loss is not None:
                states: dict[str, State | str] = {"pause": State("paused"), "stop": STOPPED}
                self._on_loss(one.planned.id, one.ended(states.get(what) or one.server.state()))

    def create_database(self, server: str, database: str, owner: str) -> None:
        """Make *database* on *server* unless it is there. Raises ``ServerError`` with the output of the server's client."""
        engine = self._servers[server].planned.engine
        code, _, err = self._servers[server].server.execute(engine.create_database(database, owner))
        if code != 0:
            raise ServerError(f"The database {database!r} on {server} could not be made.", evidence=err.strip())

    def dump_schema(self, server: str, database: str) -> str:
        """The SQL that makes the schema of *database*. Raises ``ServerError`` with the output of the server's tool."""
        engine = self._servers[server].planned.engine
        code, out, err = self._servers[server].server.execute(engine.dump_schema(database))
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
        specs = {id: one.spec for id, one in self._servers.items()}
        if found.keys() == specs.keys() and all(
            found[id].source == self._platform.source(spec)
            and spec.environment.items() <= found[id].environment.items()
            for id, spec in specs.items()
        ):
            return found
        if not self._options.is_replaceable:
            raise UsageError(
                f"The servers of harness up ({', '.join(sorted(found))}) do not fit this project any more, which needs other "
                f"servers, users or versions: {', '.join(map(title, self._plan.servers))}.",
                hint="harness down ends them, with all that is in their databases; harness up then starts others.",
            )
        self._platform.remove(self._options.run)
        return {}

    def _start(self, one: OneServer, earlier: PersistentServer | None, before: Iterable[Future[None]]) -> None:
        """Start *one* when the servers of *before* have ended, unless it is an *earlier* run's, and wait until it is ready."""
        for end in before:
            end.result()
        if one.spec.lags:
            self._proxy = self._platform.lag_proxy(self._options.run)
        ready = one.start(self._platform, earlier)
        if self._on_ready is not None:
            self._on_ready(ready)

    def _end(self, one: OneServer) -> None:
        """End and remove *one*. Raises ``ServerError``."""
        one.end()
        self._platform.remove(self._options.run, [one.planned.id])

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
            lags=self._options.has_lag and server.role == "replica",
        )

    def _endpoint(self, server: PlannedServer) -> Endpoint:
        host, port = self._servers[server.id].server.address()
        is_in_memory = server.engine.name not in self._options.on_disk
        return Endpoint(server.id, server.role, host, port, self._options.password, is_in_memory)

    def _read_logs(self) -> dict[str, str]:
        logs = {}
        for id, one in self._servers.items():
            with contextlib.suppress(ServerError):  # a server that was never made has no log
                logs[id] = one.log()
        return logs

    def _late(self) -> ServerError:
        late = [one for one in self._servers.values() if one.ready is None]
        if not late:
            return ServerError(
                f"A server that is not needed any more did not end within {self._options.startup_s:g} s."
            )
        return ServerError(
            f"The server {title(late[0].planned)} was not ready after {self._options.startup_s:g} s: it {late[0].state()}.",
            hint="startup_timeout in [tool.harness] gives servers longer. " + late[0].planned.engine.hint,
            evidence=late[0].tail(),
        )
