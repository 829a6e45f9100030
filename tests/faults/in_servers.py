"""Servers that die, stop, or stop replicating, before, while and after tests run."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.row import Row
from tests.faults.running import Running
from tests.faults.where import LOCAL

TESTS = ("tests.test_servers", "--parallel", "2", "--timeout", "60")
BEGUN_S = 0.5
"""The time, in seconds, until a test that has begun asks the servers: a local one is paused at once."""
_Fault = Callable[[Running], None]
_ALL = "at most 2 hit, 12 in all"
"""As many as there are workers; the others of the twelve tests did not run."""


def _hit(counts: dict[str, int]) -> str:
    """``_ALL`` where *counts* come to that; else what they are."""
    return _ALL if counts["errors"] <= 2 and counts["errors"] + counts["not_run"] == 12 else str(counts)


def lost(db: str, folder: Path) -> Iterator[Row]:
    """A server that is gone ends the run with one clear cause."""
    connecting = ("tests.test_connecting", *TESTS[1:])
    for number, (fault, role, word, inject, tests) in enumerate(
        [
            ("a primary is killed while tests run", "primary", "ended with exit status 137", _kill("primary"), TESTS),
            ("a replica is killed while tests run", "replica", "ended with exit status 137", _kill("replica"), TESTS),
            ("a primary is stopped while tests run", "primary", "ended with exit status", _stop("primary"), TESTS),
            ("a primary is paused while tests run", "primary", "is paused", _pause("primary"), TESTS),
            ("a replica is paused while tests run", "replica", "is paused", _pause("replica"), TESTS),
            ("a primary is paused while tests connect", "primary", "is paused", _pause("primary"), connecting),
        ]
    ):
        with Running(db, folder / str(number), *tests) as running:
            running.until('"AttemptStarted"', 2)
            running.remember()
            time.sleep(BEGUN_S)
            inject(running)
            ended = running.finish()
            counts = ended.summary["counts"]
            word = running.servers.paused if word == "is paused" else word
            cause = re.search(r"The server \S+ \(.*\) " + word, ended.out)
            named = f"{role} named" if cause and role in cause[0] else "not named"
            seen = f"exit {ended.code}, {named}, {counts['errors']} hit, {counts['not_run']} not run"
            yield Row(fault, f"exit 3, {role} named, 2 hit, 10 not run", seen, running.left())
    with Running(db, folder / "stopped", "tests.test_erring", "--parallel", "2", "--timeout", "60") as running:
        running.until('"AttemptStarted","test":"tests.test_erring.Erring')
        running.remember()
        running.servers.stop_processes("primary")
        ended = running.finish()
        is_named = re.search(r"The server \S+ \(.* primary\) is stopped by a signal", ended.out)
        left_out = "some" if ended.summary["counts"]["not_run"] else "none"
        seen = f"exit {ended.code}, {'primary' if is_named else 'not'} named, {left_out} not run"
        fault = "a primary's process is stopped while tests err that do not ask it"
        yield Row(fault, "exit 3, primary named, some not run", seen, running.left())


def early(db: str, folder: Path) -> Iterator[Row]:
    """A server dies before a test has run."""
    for what, inject in (("killed", _kill("primary")), ("paused", _pause("primary"))):
        with Running(db, folder / what, *TESTS) as running:
            running.until('"PhaseStarted","phase":"template"')
            running.remember()
            inject(running)
            ended = running.finish()
            fault = f"a primary is {what} while the template is made"
            yield Row(fault, "exit 3", f"exit {ended.code}", running.left())
    stops = _BREAKS[_engine(db)][-1]
    with Running(db, folder / "broken", stops.tests, *TESTS[1:]) as running:
        running.until('"PhaseStarted","phase":"template"')
        running.remember()
        stops.inject(running)
        ended = running.finish()
        named = "named" if f"The replica of 'default' has stopped {stops.stops}" in ended.out else "not named"
        seen = f"exit {ended.code}, {named}, {_hit(ended.summary['counts'])}"
        yield Row(f"{stops.fault} while the template is made", f"exit 3, named, {_ALL}", seen, running.left())
    limit = "0.02" if db.startswith(LOCAL) else "0.2"
    with Running(db, folder / "never", *TESTS, env={"HARNESS_STARTUP_TIMEOUT": limit}) as running:
        ended = running.finish()
        late = f"was not ready after {limit} s" in ended.out
        seen = f"exit {ended.code}{', says so' if late else ''}"
        yield Row("a server that is not ready in time", "exit 3, says so", seen, running.left())


def late(db: str, folder: Path) -> Iterator[Row]:
    """A server dies when every test has passed: the run is red all the same."""
    arguments = ("--settings", "config.slow_end", "tests.test_waits.QuickTests", "--parallel", "2")
    with Running(db, folder / "late", *arguments) as running:
        running.until('"PhaseFinished","phase":"tests"')
        running.remember()
        _kill("primary")(running)
        ended = running.finish()
        named = "primary named" if "primary) ended with exit status 137" in ended.out else "not named"
        seen = f"exit {ended.code}, {named}, {ended.summary['counts']['passed']} passed"
        yield Row("a primary is killed after the last test", "exit 3, primary named, 3 passed", seen, running.left())


def stalled(db: str, folder: Path) -> Iterator[Row]:
    """Replication breaks while both servers are up: it ends the run as the loss of a server does."""
    for number, each in enumerate(_BREAKS[_engine(db)]):
        with Running(db, folder / str(number), each.tests, *TESTS[1:]) as running:
            running.until('"AttemptStarted"', 2)
            running.remember()
            each.inject(running)
            ended = running.finish()
            counts = ended.summary["counts"]
            named = (
                "named" if re.search(rf"The replica of 'default' has stopped {each.stops}", ended.out) else "not named"
            )
            seen = f"exit {ended.code}, {named}, {_hit(counts) if counts['errors'] else 'none hit'}"
            expected = f"exit 3, named, {_ALL}"
            # on this machine the fault comes so soon that a connection may meet it before the read
            if each.is_met_by_a_read and not db.startswith(LOCAL):
                expected += ", the read in its SQL"
                files = [path.read_text() for path in (running.artifacts / "sql").glob("tests.*.sql")]
                is_told = any(
                    re.search(r"\] replica \(replica\).*\n-- ERROR: .*\n(-- .*\n)*SELECT", text) for text in files
                )
                seen += ", the read in its SQL" * is_told
            yield Row(each.fault, expected, seen, running.left())


def disk(db: str, folder: Path) -> Iterator[Row]:
    """A test fills the folder in memory that its primary's databases are in."""
    with Running(db, folder / "disk", "tests.test_disk", "--parallel", "2", has_small_disk=True) as running:
        ended = running.finish(600.0)
        counts = ended.summary["counts"]
        if db.startswith(
            LOCAL
        ):  # primary and replica have one disk, and neither can write its log: either may end first
            named = "a server named, " if re.search(r"The server \S+ \(.*\) ended with exit status", ended.out) else ""
            expected = "exit 3, a server named, 1 errors, 0 passed"
        else:
            # PostgreSQL goes on. MariaDB waits a minute for somebody to make room, and then ends itself. MySQL waits as well; it
            # goes on afterwards, or ends itself, as it happens to have the table or its log in hand
            ends_itself = (
                db.startswith("mariadb") or "mysqld got signal" in (running.artifacts / "logs/default.log").read_text()
            )
            named = "primary named, " if "primary) ended with exit status" in ended.out else ""
            expected = "exit 3, primary named, 1 errors, 0 passed" if ends_itself else "exit 1, 1 errors, 1 passed"
        seen = f"exit {ended.code}, {named}{counts['errors']} errors, {counts['passed']} passed"
        yield Row("a test that fills the disk of its server", expected, seen, running.left())


def _engine(db: str) -> str:
    return db.removeprefix(LOCAL).partition(":")[0]


def _shell(role: str, script: str) -> _Fault:
    """Run a script as an administrator beside the server."""
    return lambda running: running.servers.shell(role, script)


def _client(program: str, statement: str = "") -> str:
    no_ssl = " --skip-ssl" if program == "mariadb" else ""
    command = f"{program} --no-defaults{no_ssl} --user=root --batch --skip-column-names"
    return f"echo '{statement}' | {command}" if statement else command


def _drop_all(client: str, allow: str) -> str:
    """A shell script by which a replica loses every test database, and cannot apply what comes next."""
    ask = _client(client)
    return (
        f"names=$(echo \"SHOW DATABASES LIKE 'test%'\" | {ask}); for name in $names; do"
        f' echo "SET GLOBAL {allow} = OFF; SET sql_log_bin = 0; DROP DATABASE \\`$name\\`;" | {ask}; done'
    )


_PSQL = "psql -X -q -v ON_ERROR_STOP=1 -U postgres -d postgres"
_TAKE_ROLE = (
    f"{_PSQL} -c 'ALTER ROLE harness_replication NOLOGIN'"
    " -c 'SELECT pg_terminate_backend(pid) FROM pg_stat_replication'"
)


@dataclass(frozen=True)
class _Break:
    """Something that stops a replica ``applying`` or ``receiving`` while the tests of a module run."""

    fault: str
    stops: str
    inject: _Fault
    tests: str = "tests.test_replication"

    @property
    def is_met_by_a_read(self) -> bool:
        """Whether it is a read that waits for the replica in vain, and not a new connection."""
        return self.tests == "tests.test_replication"


def _breaks(client: str, is_read_only: str) -> list[_Break]:
    """Those of MySQL and MariaDB."""
    loses = _shell("replica", _drop_all(client, is_read_only))
    return [
        _Break("a replica loses its databases", "applying", loses),
        _Break("a replica loses its databases, and tests connect anew", "applying", loses, "tests.test_reconnecting"),
        _Break(
            "a replica's applier is stopped", "applying", _shell("replica", _client(client, "STOP REPLICA SQL_THREAD"))
        ),
    ]


_BREAKS = {
    "postgres": [
        _Break("a replica loses its primary", "receiving", _shell("primary", _TAKE_ROLE)),
        _Break(
            "a replica's replay is paused", "applying", _shell("replica", f"{_PSQL} -c 'SELECT pg_wal_replay_pause()'")
        ),
    ],
    "mysql": _breaks("mysql", "super_read_only"),
    "mariadb": _breaks("mariadb", "read_only"),
}


def _kill(role: str) -> _Fault:
    return lambda running: running.servers.kill(role)


def _stop(role: str) -> _Fault:
    return lambda running: running.servers.stop(role)


def _pause(role: str) -> _Fault:
    return lambda running: running.servers.pause(role)


SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {
    "lost": lost,
    "early": early,
    "late": late,
    "stalled": stalled,
    "disk": disk,
}
