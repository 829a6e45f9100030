"""The platform of servers that are processes of this machine."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from harness.errors import ServerError
from harness.host.engines import Place
from harness.host.lag.control import LagProxy, start_process
from harness.host.local import addresses, folders, seeds, supervisor
from harness.host.local.account import account
from harness.host.local.binaries import Binaries, find
from harness.host.local.folders import Description
from harness.host.local.seeds import Recipe
from harness.host.local.server import END_S, LocalServer, Programs
from harness.host.platform import LAG_PROXY, PersistentServer, ServerSpec

WATCH_S = 0.2
"""The time between two looks at the servers' processes."""


class LocalPlatform:
    """The platform of servers that are processes of this machine. *recipe* reads the files that they run.

    *on_progress* is called with a name and a line as programs are fetched, or a seed is made. *environ* has the settings of pip.
    """

    def __init__(
        self,
        recipe: Recipe,
        on_progress: Callable[[str, str], None] = lambda _name, _line: None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._recipe = recipe
        self._environ = environ
        self._on_progress = on_progress
        self._account = account()
        self._lock = threading.Lock()
        self._binaries: dict[tuple[str, str], Binaries] = {}
        self._programs: dict[tuple[str, str], Programs] = {}
        self._endpoints: dict[tuple[str, str], tuple[str, int]] = {}
        self._servers: list[LocalServer] = []
        self._watches: list[Watch] = []
        self._proxies: dict[str, LagProxy] = {}

    def binaries(self, engine: str, version: str | None) -> Binaries:
        """The programs of an engine's version; ``None`` for one that the user did not name. Raises ``ServerError``."""
        with self._lock:
            found = self._binaries.get((engine, version or ""))
            if found is None:
                found = find(engine, version, self._environ, self._on_progress)
                self._binaries[engine, version or ""] = self._binaries[engine, found.wanted] = found
            return found

    def notices(self) -> list[str]:
        """The reasons why versions of ``binaries`` are not their engine's default."""
        with self._lock:
            return sorted({each.notice for each in self._binaries.values() if each.notice})

    def programs(self, engine: str, version: str) -> Programs:
        """The programs and the seed of an engine's version, made if missing. Raises ``ServerError``."""
        binaries = self.binaries(engine, version)
        with self._lock:
            if (engine, version) not in self._programs:
                made = seeds.programs(binaries, self._recipe, self._account, os.environ, self._on_progress)
                self._programs[engine, version] = made
            return self._programs[engine, version]

    def server(self, spec: ServerSpec, earlier: str | None = None) -> LocalServer:
        found = Path(earlier) if earlier else None
        server = LocalServer(spec, self._account, lambda: self._prepare(spec), found, self._wake)
        with self._lock:
            self._servers.append(server)
        return server

    def source(self, spec: ServerSpec) -> str:
        return self.binaries(spec.engine, spec.version).source

    def lag_proxy(self, run: str) -> LagProxy:
        with self._lock:
            if run not in self._proxies:
                self._proxies[run] = start_process(self._report_proxy)
            return self._proxies[run]

    def _report_proxy(self, id: str) -> None:
        with self._lock:
            watches = tuple(self._watches)
        for watch in watches:
            watch.report(id, "die")

    def watch(self, run: str, on_event: Callable[[str, str], None]) -> Watch:
        watch = Watch(self._of(run), on_event)
        with self._lock:
            self._watches.append(watch)
        return watch

    def persistent(self, run: str) -> Mapping[str, PersistentServer]:
        return {
            found.description.host: PersistentServer(
                str(found.path), found.description.source, found.description.environment
            )
            for found in folders.find(self._account)
            if found.description and found.pid is not None and _is(found.description, run)
        }

    def remove(self, run: str, hosts: Collection[str] | None = None) -> None:
        with self._lock:
            found = [each for each in self._servers if each.spec.run == run]
            ours = [each for each in found if hosts is None or each.spec.host in hosts]
            self._servers = [each for each in self._servers if each not in ours]
            proxy = self._proxies.pop(run, None) if hosts is None or LAG_PROXY in hosts else None
        if proxy is not None:
            proxy.close()
        until = time.monotonic() + END_S
        for server in ours:
            server.close()
        for server in ours:
            if not server.wait(until):
                server.kill_supervisor()
        left = [
            found.path
            for found in folders.find(self._account)
            if found.description and _is(found.description, run, hosts)
        ]
        still = folders.remove(self._account, left)
        for server in ours:
            server.close_log()
        if still:
            raise ServerError(
                "A local server could not be removed.",
                hint="harness doctor shows what is left, and --remove removes it.",
                evidence="\n".join(map(str, still)),
            )

    def _wake(self) -> None:
        """Have each watch look at once: a server has ended."""
        with self._lock:
            watches = tuple(self._watches)
        for watch in watches:
            watch.wake()

    def _of(self, run: str) -> Callable[[], list[LocalServer]]:
        def servers() -> list[LocalServer]:
            with self._lock:
                return [each for each in self._servers if each.spec.run == run]

        return servers

    def _prepare(self, spec: ServerSpec) -> tuple[Programs, Description, Mapping[str, str]]:
        programs = self.programs(spec.engine, spec.version)
        address, port = self._endpoint(spec.run, spec.host, spec.port)
        primary = spec.environment.get("HARNESS_PRIMARY")
        place = Place(
            parts=str(programs.parts),
            seed=str(programs.seed) if spec.seed is None else f"/dev/fd/{supervisor.DESCRIPTOR}",
            host=spec.host,
            options=programs.options,
            address=(address, port),
            primary=self._primary_endpoint(spec, primary) if primary else None,
        )
        description = Description(
            run=spec.run,
            host=spec.host,
            role=spec.role,
            engine=spec.engine,
            version=spec.version,
            address=address,
            port=port,
            source=programs.source,
            is_held=spec.is_held,
            parts=str(programs.parts),
            folders=programs.folders,
            variables=programs.variables,
            environment=spec.environment,
        )
        return programs, description, place.environment

    def _primary_endpoint(self, spec: ServerSpec, primary: str) -> tuple[str, int]:
        """The address at which the replica of *spec* reaches *primary*: its own, or the proxy's."""
        its_own = self._endpoint(spec.run, primary, spec.port)
        if not spec.lags:
            return its_own
        address, port = addresses.free_endpoint(spec.run, f"{spec.host} {LAG_PROXY}", spec.port)
        return address, self.lag_proxy(spec.run).listen(spec.host, address, port, its_own)

    def _endpoint(self, run: str, host: str, port: int) -> tuple[str, int]:
        """The address of the server *host*, chosen as the first one asks for it: itself, or its replica."""
        with self._lock:
            if (run, host) not in self._endpoints:
                self._endpoints[run, host] = addresses.free_endpoint(run, host, port)
            return self._endpoints[run, host]


def _is(description: Description, run: str, hosts: Collection[str] | None = None) -> bool:
    return description.run == run and (hosts is None or description.host in hosts)


class Watch:
    """Calls *on_event* once for each of *servers* that has ended or is stopped, from a thread, until it is closed."""

    def __init__(self, servers: Callable[[], list[LocalServer]], on_event: Callable[[str, str], None]) -> None:
        self._servers = servers
        self._on_event = on_event
        self._is_awake = threading.Event()
        self._is_closed = False
        self._seen: set[tuple[str, str]] = set()
        threading.Thread(target=self._look, name="local servers", daemon=True).start()

    def close(self) -> None:
        self._is_closed = True
        self.wake()

    def wake(self) -> None:
        """Look now."""
        self._is_awake.set()

    def _look(self) -> None:
        while not self._is_closed:
            self._is_awake.wait(WATCH_S)
            self._is_awake.clear()
            for server in self._servers():
                with contextlib.suppress(ServerError):  # it is not made yet
                    what = "" if server.state().is_running else "die"
                    self.report(server.id, what or ("stop" if server.is_stopped() else ""))

    def report(self, id: str, what: str) -> None:
        """Report *what* has happened to the server or proxy *id*, unless it is nothing or was reported."""
        if not what:
            self._seen.discard((id, "stop"))  # it was continued: the next stop is another one
        if what and (id, what) not in self._seen and not self._is_closed:
            self._seen.add((id, what))
            self._on_event(id, what)
