"""One server of a run: the thread in which it starts, and its end.

Owns the definition of "ready" of one server: it has written its ready line to its log.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future, wait

from harness.errors import ServerError
from harness.host.engines.engine import PASSWORD_VARIABLE, READY
from harness.host.planning.plan import PlannedServer
from harness.host.platform import PersistentServer, Platform, Server, ServerSpec, State
from harness.protocol.events import ServerReady

LOG_LINES = 30
"""The last lines of a server's log that are the evidence of an error."""


class OneServer:
    """The server that is *planned*, as *spec* describes it; a replica has its *primary*. ``start`` has a thread of its own.

    ``starting`` is the future of that thread, ``ending`` that of the removal; ``ready`` is there when the server is up.
    """

    def __init__(self, planned: PlannedServer, spec: ServerSpec, primary: OneServer | None) -> None:
        self.planned = planned
        self.spec = spec
        self.starting: Future[None] | None = None
        self.ending: Future[None] | None = None
        self.ready: ServerReady | None = None
        self.given_up = threading.Event()
        self._primary = primary
        self._serves = threading.Event()
        self._server: Server | None = None

    @property
    def server(self) -> Server:
        """The server on its platform. Raises ``ServerError`` before it is made."""
        if self._server is None:
            raise ServerError(f"The server {self.planned.id} was never made.")
        return self._server

    @property
    def is_well(self) -> bool:
        """Whether it is up, or may still come up."""
        if self.given_up.is_set() or self.starting is None:
            return False
        return not self.starting.done() or self.starting.exception() is None

    @property
    def is_removed(self) -> bool:
        """Whether nothing of it is left."""
        return self.ending is not None and self.ending.done() and self.ending.exception() is None

    def start(self, platform: Platform, earlier: PersistentServer | None) -> ServerReady:
        """Start it, unless it is an *earlier* run's, and wait until it is ready. Raises ``ServerError``."""
        if self.given_up.is_set():
            raise unwanted()
        began = time.monotonic()
        self._server = made = platform.server(self.spec, earlier.id if earlier else None)
        if self._primary is not None and not self.spec.is_held:
            self._primary._serves.wait()
        if earlier is None:
            made.start()
        if self._primary is not None:
            self._primary._serves.wait()
            made.write_line("the primary serves")
        seen = b""
        for chunk in () if self.given_up.is_set() else made.follow():
            seen += chunk
            text = seen.decode(errors="replace")
            if READY.search(text):
                self._serves.set()
                if self.spec.lags:
                    self._make_patient(made)
                self.ready = self._event(platform, text, time.monotonic() - began)
                return self.ready
        if self.given_up.is_set():
            raise unwanted()
        raise self.ended(made.state())

    def _make_patient(self, replica: Server) -> None:
        """Let *replica* bear a primary that is silent, and the primary keep all that it has not got. Raises ``ServerError``."""
        code, _, err = replica.execute(self.planned.engine.be_patient)
        if code != 0:
            raise ServerError(f"{title(self.planned)} could not be set up for --replica-lag.", evidence=err.strip())

    def give_up(self) -> None:
        """Have the server end, and ``start`` too: it raises ``ServerError``."""
        self.given_up.set()
        self._serves.set()
        if self._server is not None:
            self._server.close()

    def end(self) -> None:
        """End it, also if it is being made by another thread; only its platform's remains are left then."""
        self.give_up()
        if self.starting is not None:
            wait([self.starting])
        self.give_up()

    def state(self) -> State:
        return self._server.state() if self._server is not None else State("never made")

    def log(self) -> str:
        """Its log, without the password. Raises ``ServerError`` where there is none."""
        return self.server.log().replace(self.spec.environment[PASSWORD_VARIABLE], "***")

    def tail(self) -> str:
        """The end of its log; empty where there is none."""
        with contextlib.suppress(ServerError):
            return "\n".join(self.log().splitlines()[-LOG_LINES:])
        return ""

    def ended(self, state: State | str) -> ServerError:
        """The error for a server that is in *state*, in place of being up."""
        return ServerError(
            f"The server {title(self.planned)} {state}.", hint=self.planned.engine.hint, evidence=self.tail()
        )

    def _event(self, platform: Platform, log: str, seconds: float) -> ServerReady:
        planned = self.planned
        version = planned.engine.version_line.search(log)
        return ServerReady(
            server=planned.id,
            engine=planned.engine.name,
            version=version[1] if version else planned.version,
            role=planned.role,
            primary=planned.primary,
            image=platform.source(self.spec),
            ready_s=round(seconds, 3),
        )


def title(server: PlannedServer) -> str:
    """*server*'s name in a message: ``replica (PostgreSQL 17, replica of default)``."""
    role = f"replica of {server.primary}" if server.primary else "primary"
    return f"{server.id} ({server.engine.title} {server.version}, {role})"


def unwanted() -> ServerError:
    """The error for a start that was given up."""
    return ServerError("The servers were no longer wanted.")
