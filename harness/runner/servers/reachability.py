"""Checks after a test has erred that the servers still answer and the replicas still follow: a lost server may be the cause.

An inspector asks, and the host decides: it sees the containers. The test's worker waits for permission to go on. A run without
an errored test never checks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections

from ...errors import ServerError
from .. import unpatched
from ..databases.clones import TestDatabase
from ..descriptors import MemoryFile
from ..host_channel import Journal
from ..processes.children import has_ended, kill_child
from ..replication.catch_up import NoAnswerError, NotReceivingError, check_replica, server_connection
from .inspector import start_inspector

CHECK_S = 3.0
"""Seconds that the servers have to answer a check, and as many more as there are replicas."""
GONE_S = 10.0
"""Seconds to wait for a server that does not answer. The host, which sees its container, ends the run sooner."""
PAUSE_S = 0.2
SILENT = "server-silent"
"""The code of the notice that makes the host check its containers."""
_PROBE_S = 1.0
_REFUSED_S = "57P03"
"""PostgreSQL's code for a server that starts or shuts down."""
_SHUTDOWN = 1053
"""MySQL's error number for a server that shuts down."""

Kind = Literal["asked", "silent", "severed", "stopped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a check of *alias*: its server does not answer (``silent``), its replica receives nothing at the moment
    (``severed``), or reports that it has stopped (``stopped``). ``asked``: the check came no further.
    """

    alias: str
    kind: Kind
    message: str = ""
    hint: str = ""
    evidence: str = ""

    def line(self) -> str:
        return unpatched.json.dumps([self.alias, self.kind, self.message, self.hint, self.evidence]) + "\n"


def servers_of(databases: Iterable[TestDatabase], replicas: Collection[str]) -> tuple[str, ...]:
    """The aliases of *databases*, and those of their mirrors in *replicas*, that are on a server."""
    names = [alias for database in databases for alias in database.aliases(replicas)]
    return tuple(alias for alias in names if _is_on_server(connections[alias]))


def findings(text: str) -> tuple[Finding, ...]:
    """The findings in *text*, the lines of a check. A server still being asked when the time was over does not answer."""
    lines = [Finding(*unpatched.json.loads(line)) for line in text.splitlines()]
    found = [finding for finding in lines if finding.kind != "asked"]
    if lines and lines[-1].kind == "asked" and lines[-1].alias:
        found.append(Finding(lines[-1].alias, "silent", f"no answer within {CHECK_S:g} s"))
    return tuple(found)


def judge(found: Iterable[Finding], waited_s: float) -> Literal["go on", "check again", "give up"]:
    """The decision about *found*, after *waited_s* seconds of checks. Raises ``ServerError`` for a replica that has stopped.

    A server that does not answer is not lost for that: only the host can know. It is waited for, and then given up on.
    """
    by_kind = {finding.kind: finding for finding in found}
    stopped = by_kind.get("stopped") or (by_kind.get("severed") if waited_s > GONE_S else None)
    if stopped is not None:
        raise ServerError(stopped.message, stopped.hint, stopped.evidence)
    if "silent" in by_kind and waited_s > GONE_S:
        return "give up"
    return "check again" if by_kind else "go on"


class ServerChecks:
    """``request`` begins a check for a worker, ``tick`` takes its result; *release* gets each slot whose worker may go on."""

    def __init__(
        self, aliases: Sequence[str], pairs: Mapping[str, str], journal: Journal, release: Callable[[int], None]
    ) -> None:
        self._aliases = aliases
        self._pairs = pairs
        self._journal = journal
        self._release = release
        self._findings = MemoryFile("findings")
        self._pid = 0
        self._waiting: set[int] = set()
        self._checked: set[int] = set()
        self._since = 0.0
        self._next = 0.0
        self._is_reported = False
        self._given_up: frozenset[str] = frozenset()

    @property
    def processes(self) -> set[int]:
        """The id of the running inspector, if there is one."""
        return {self._pid} - {0}

    def request(self, slot: int) -> None:
        """Begin a check for the worker in *slot*, whose test has erred."""
        if not self._aliases:
            self._release(slot)
            return
        self._waiting.add(slot)
        self.tick()

    def forget(self, slot: int) -> None:
        """Forget the worker in *slot*, which has ended."""
        self._waiting.discard(slot)
        self._checked.discard(slot)

    def tick(self) -> None:
        """Take the result of a finished check, and begin a check that is due. Raises ``ServerError`` if a replica has stopped."""
        now = unpatched.time.perf_counter()
        if self._pid and has_ended(self._pid):
            self._pid = 0
            self._take(findings(self._findings.text()), now)
        if not self._pid and self._waiting and now >= self._next:
            self._checked = set(self._waiting)
            self._since = self._since or now
            lines = (finding.line() for finding in _check(self._aliases, self._pairs))
            self._pid = start_inspector(lines, CHECK_S + len(self._pairs), self._findings)

    def close(self) -> None:
        """Kill a running check."""
        if self._pid:
            kill_child(self._pid)

    def _take(self, found: Sequence[Finding], now: float) -> None:
        silent = frozenset(finding.alias for finding in found if finding.kind == "silent")
        decision = judge(found, now - self._since)
        if decision == "check again" and not (silent and silent <= self._given_up):
            if silent and not self._is_reported:
                self._is_reported = True
                self._journal.notice(SILENT, _silent_servers(found))
            self._next = now + PAUSE_S
            return
        if decision == "give up":
            self._given_up = silent
            text = f"{_silent_servers(found)} It was waited for {GONE_S:g} s; the host knows of no loss, so the run goes on."
            self._journal.notice("server-given-up", text)
        elif not silent:
            self._given_up = frozenset()
        self._since, self._is_reported = 0.0, False
        for slot in sorted(self._checked & self._waiting):
            self._waiting.discard(slot)
            self._release(slot)
        self._checked = set()


def _silent_servers(found: Sequence[Finding]) -> str:
    silent = [f"{finding.alias!r} ({finding.message})" for finding in found if finding.kind == "silent"]
    return f"No answer from the server of {', '.join(silent)}."


def _check(aliases: Sequence[str], pairs: Mapping[str, str]) -> Iterator[Finding]:
    silent = set()
    for alias in aliases:
        yield Finding(alias, "asked")
        if error := _no_answer(alias):
            silent.add(alias)
            yield Finding(alias, "silent", error)
    for mirror, primary in sorted(pairs.items()):
        if not silent & {mirror, primary}:
            yield Finding(mirror, "asked")
            try:
                check_replica(primary, mirror)
            except NoAnswerError:  # both answered just now: they have no free connection, and are not lost
                continue
            except ServerError as error:
                kind: Kind = "severed" if isinstance(error, NotReceivingError) else "stopped"
                yield Finding(mirror, kind, error.message, error.hint, error.evidence)
    yield Finding("", "asked")


def _no_answer(alias: str) -> str:
    """The error if the server of *alias* does not answer; empty if it answers at all, even that it has no free connection."""
    try:
        server_connection(alias).close()
    except Exception as error:  # noqa: BLE001 - a driver that the project has patched may raise anything
        settings = connections[alias].settings_dict
        if not _PROBES[connections[alias].vendor](settings["HOST"], int(settings["PORT"])):
            return f"{type(error).__name__}: {error}".strip()
    return ""


def _is_on_server(connection: Any) -> bool:
    settings = connection.settings_dict
    has_port = str(settings.get("PORT", "")).isdecimal()
    return connection.vendor in _PROBES and bool(settings.get("HOST")) and has_port


# probes without the driver, which a module of tests may have patched as it was imported


def _first_bytes(host: str, port: int, greeting: bytes) -> bytes:
    """The first bytes that the server at *host* sends after *greeting*; empty if there is no server, or it sends nothing."""
    link = unpatched.Socket()
    try:
        link.settimeout(_PROBE_S)
        link.connect((host, port))
        if greeting:
            link.send(greeting)
        return link.recv(4096)
    except OSError:
        return b""
    finally:
        link.close()


def _postgresql_answers(host: str, port: int) -> bool:
    body = (3 << 16).to_bytes(4, "big") + b"user\0postgres\0database\0postgres\0\0"
    answer = _first_bytes(host, port, (len(body) + 4).to_bytes(4, "big") + body)
    return bool(answer) and b"\0C" + _REFUSED_S.encode() + b"\0" not in answer


def _mysql_answers(host: str, port: int) -> bool:
    answer = _first_bytes(host, port, b"")
    is_error = answer[4:5] == b"\xff"
    return bool(answer) and not (is_error and int.from_bytes(answer[5:7], "little") == _SHUTDOWN)


_PROBES = {"postgresql": _postgresql_answers, "mysql": _mysql_answers}
