"""Servers that die, stop, or stop replicating, before, while and after tests run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.row import Row
from tests.faults.running import Running

TESTS = ("tests.test_servers", "--parallel", "2", "--timeout", "60")
_Fault = Callable[[Running], None]


def lost(db: str, folder: Path) -> Iterator[Row]:
    """A server that is gone ends the run with one clear cause."""
    for number, (fault, role, word, inject) in enumerate(
        [
            ("a primary is killed while tests run", "primary", "ended with exit status 137", _kill("primary")),
            ("a replica is killed while tests run", "replica", "ended with exit status 137", _kill("replica")),
            ("a primary is stopped while tests run", "primary", "ended with exit status", _stop("primary")),
            ("a primary is paused while tests run", "primary", "is paused", _pause("primary")),
        ]
    ):
        with Running(db, folder / str(number), *TESTS) as running:
            running.until('"AttemptStarted"', 2)
            running.remember()
            inject(running)
            ended = running.finish()
            counts = ended.summary["counts"]
            cause = re.search(r"The server \S+ \(.*\) " + word, ended.out)
            named = f"{role} named" if cause and role in cause[0] else "not named"
            rest = "at most 2 hit, 12 in all" if counts["errors"] <= 2 else f"{counts['errors']} hit"
            if counts["errors"] + counts["not_run"] != 12:
                rest = str(counts)
            expected = f"exit 3, {role} named, at most 2 hit, 12 in all"
            yield Row(fault, expected, f"exit {ended.code}, {named}, {rest}", running.left())


def early(db: str, folder: Path) -> Iterator[Row]:
    """A server dies before a test has run."""
    with Running(db, folder / "template", *TESTS) as running:
        running.until('"PhaseStarted","phase":"template"')
        running.remember()
        _kill("primary")(running)
        ended = running.finish()
        yield Row("a primary is killed while the template is made", "exit 3", f"exit {ended.code}", running.left())
    with Running(db, folder / "never", *TESTS, env={"HARNESS_STARTUP_TIMEOUT": "0.2"}) as running:
        ended = running.finish()
        late = "was not ready after 0.2 s" in ended.out
        seen = f"exit {ended.code}{', says so' if late else ''}"
        yield Row("a server that is not ready in time", "exit 3, says so", seen, running.left())


def _kill(role: str) -> _Fault:
    return lambda running: _to(running, role, "kill")


def _stop(role: str) -> _Fault:
    return lambda running: _to(running, role, "stop", "-t", "5")


def _pause(role: str) -> _Fault:
    return lambda running: _to(running, role, "pause")


def _to(running: Running, role: str, *command: str) -> None:
    (container,) = running.containers(role)
    running.docker(*command, container)


SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {"lost": lost, "early": early}
