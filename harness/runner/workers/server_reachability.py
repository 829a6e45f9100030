"""Checks after a test has erred that the servers still answer and the replicas still follow: a lost server may be the cause.

A short-lived fork of the coordinator asks. No test runs in that process, so no state that a test leaves behind can make a
server look lost: no guard against the network, no broken connection, no changed settings.
"""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections

from ...errors import ServerError
from .. import unpatched
from ..databases.clones import TestDatabase
from ..replication.catch_up import NoAnswerError, check_replica, server_connection
from ..replication.postgres_position import NotReceivingError
from .output_capture import Stream

LOOK_S = 3.0
"""Seconds that the servers have to answer a look."""
GONE_S = 10.0
"""Seconds to wait for a server that does not answer. The host, which sees its container, ends the run sooner."""
PAUSE_S = 0.2
_PROBE_S = 1.0
_REFUSED_S = "57P03"
"""PostgreSQL's code for a server that starts or shuts down."""
_SHUTDOWN = 1053
"""MySQL's error number for a server that shuts down."""

Kind = Literal["asked", "silent", "severed", "stopped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a look at *alias*: its server does not answer (``silent``), its replica receives nothing at the moment
    (``severed``), or has stopped and says so (``stopped``). ``asked``: the look came no further.
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
    names = [
        alias
        for database in databases
        for alias in (database.alias, *(mirror for mirror in database.mirrors if mirror in replicas))
    ]
    return tuple(alias for alias in names if _is_on_server(connections[alias]))


def start(aliases: Sequence[str], pairs: Mapping[str, str], found: Stream) -> int:
    """Fork a process that looks at the servers of *aliases* and at the mirrors of *pairs*, each with its primary; the process's
    id.
    """
    found.clear()
    pid = unpatched.os.fork()
    if pid == 0:
        try:
            for signum in (signal.SIGTERM, signal.SIGALRM):
                unpatched.signal.signal(signum, signal.SIG_DFL)
            unpatched.signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGALRM))
            unpatched.signal.setitimer(signal.ITIMER_REAL, LOOK_S + len(pairs))
            for finding in _look(aliases, pairs):
                unpatched.os.write(found.fd, finding.line().encode())
        finally:
            unpatched.os._exit(0)
    return pid


def findings(text: str) -> tuple[Finding, ...]:
    """The findings in *text*, the lines of a look. A server still being asked when the time was over does not answer."""
    said = [Finding(*unpatched.json.loads(line)) for line in text.splitlines()]
    found = [finding for finding in said if finding.kind != "asked"]
    if said and said[-1].kind == "asked" and said[-1].alias:
        found.append(Finding(said[-1].alias, "silent", f"no answer within {LOOK_S:g} s"))
    return tuple(found)


def judge(found: Iterable[Finding], waited_s: float) -> Literal["go on", "look again", "give up"]:
    """The decision about *found*, after *waited_s* seconds of looking. Raises ``ServerError`` for a replica that has stopped.

    A server that does not answer is not lost for that: only the host can know. It is waited for, and then given up on.
    """
    kinds = {finding.kind: finding for finding in found}
    stopped = kinds.get("stopped") or (kinds.get("severed") if waited_s > GONE_S else None)
    if stopped is not None:
        raise ServerError(stopped.message, stopped.hint, stopped.evidence)
    if "silent" in kinds and waited_s > GONE_S:
        return "give up"
    return "look again" if kinds else "go on"


def _look(aliases: Sequence[str], pairs: Mapping[str, str]) -> Iterable[Finding]:
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


# without the driver, which a module of tests may have patched as it was imported


def _said(host: str, port: int, greeting: bytes) -> bytes:
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
    said = _said(host, port, (len(body) + 4).to_bytes(4, "big") + body)
    return bool(said) and b"\0C" + _REFUSED_S.encode() + b"\0" not in said


def _mysql_answers(host: str, port: int) -> bool:
    said = _said(host, port, b"")
    is_error = said[4:5] == b"\xff"
    return bool(said) and not (is_error and int.from_bytes(said[5:7], "little") == _SHUTDOWN)


_PROBES = {"postgresql": _postgresql_answers, "mysql": _mysql_answers}
