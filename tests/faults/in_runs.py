"""Faults around the tests: workers that cannot start, interruptions, a harness that is killed, a runner that is."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.e2e.command import Ended
from tests.faults.row import Row
from tests.faults.running import Running, signal_inside

HANGS = ("tests.test_waits", "--parallel", "2", "--timeout", "300")
"""A class whose first test passes and whose second waits for ever, and one that has not begun."""


def starts(db: str, folder: Path) -> Iterator[Row]:
    """Workers that die while they start."""
    settings = ("--settings", "config.dying_starts", "tests.test_waits.QuickTests", "--parallel", "2")
    with Running(db, folder / "start", *settings) as running:
        ended = running.finish()
        yield Row(
            "a worker that dies while it starts",
            "exit 1, 3 passed, named",
            seen_of(ended) + _named(ended),
            running.left(),
        )
    with Running(db, folder / "starts", *settings, env={"FAULTS_EVERY_START": "1"}) as running:
        ended = running.finish()
        loop = "died 3 times before it could begin" in ended.out
        seen = f"{seen_of(ended)}{', says so' if loop else ''}"
        yield Row("workers that die at every start", "exit 4, 3 not run, says so", seen, running.left())
    with Running(db, folder / "loop", "tests.test_crash_loop", "--parallel", "2") as running:
        ended = running.finish()
        counts = ended.summary["counts"]
        loop = "workers in a row died" in ended.out
        seen = f"exit {ended.code}, {counts['crashed'] + counts['not_run']} of 40{', says so' if loop else ''}"
        expected = "exit 1, 40 of 40, says so"
        yield Row("test after test that kills its worker", expected, seen, running.left())


def interrupts(db: str, folder: Path) -> Iterator[Row]:
    """Signals to the harness while a test hangs; what is known is reported."""
    known = "4 passed, 2 not run"
    for name, numbers, expected in [
        ("Ctrl-C", [signal.SIGINT], f"exit 130, {known}"),
        ("SIGTERM", [signal.SIGTERM], f"exit 143, {known}"),
        ("a terminal that goes away (SIGHUP)", [signal.SIGHUP], f"exit 143, {known}"),
        ("Ctrl-C and SIGTERM, as GitHub cancels a job", [signal.SIGINT, signal.SIGTERM], f"exit 130, {known}"),
        ("Ctrl-C twice", [signal.SIGINT, signal.SIGINT], f"exit 130, {known}"),
    ]:
        with _hanging(db, folder / name.replace(" ", "-").replace("/", "")) as running:
            for number in numbers:
                running.signal(number)
            ended = running.finish()
            yield Row(name, expected, seen_of(ended), running.left())
    for phase, moment in (
        ("setup", "is looked at"),
        ("servers", "has its servers started"),
        ("template", "has its template made"),
    ):
        with Running(db, folder / phase, *HANGS) as running:
            running.until(f'"PhaseStarted","phase":"{phase}"')
            running.remember()
            running.signal(signal.SIGINT)
            ended = running.finish()
            yield Row(f"Ctrl-C while the project {moment}", "exit 130", f"exit {ended.code}", running.left())


def pipes(db: str, folder: Path) -> Iterator[Row]:
    """Whoever reads the output goes away."""
    reading, writing = os.pipe()
    with Running(db, folder / "pipe", "tests.test_waits.QuickTests", stdout=writing, stderr=writing) as running:
        os.close(writing)
        os.close(reading)
        ended = running.finish()
        yield Row("a broken pipe on stdout", "exit 0, 3 passed", seen_of(ended), running.left())


def killed(db: str, folder: Path) -> Iterator[Row]:
    """The harness itself is killed, beside a run that is not."""
    with (
        _hanging(db, folder / "killed") as running,
        Running(db, folder / "beside", "tests.test_waits.QuickTests") as other,
    ):
        other.until('"ServerReady"', 2)
        running.process.kill()
        running.process.wait()
        left = running.left(10.0)
        yield Row("kill -9 of the harness: nothing is left after 10 s", "nothing", "nothing", left)
        yield Row("kill -9 of another run", "exit 0, 3 passed", seen_of(other.finish()), other.left())


def limits(db: str, folder: Path) -> Iterator[Row]:
    """The time of the whole run is over while a test hangs; it is named before."""
    with Running(db, folder / "limit", *HANGS, "--run-timeout", "25") as running:
        ended = running.finish()
        seen = seen_of(ended) + ", named" * bool(
            re.search(r"SLOW +tests\.test_waits\.WaitTests\.test_2_waits +running for", ended.out)
        )
        yield Row(
            "the time of the run is over", "exit 1, 4 passed, 1 timed out, 1 not run, named", seen, running.left()
        )


def hangs(db: str, folder: Path) -> Iterator[Row]:
    """A project that hangs before there is a test."""
    with Running(db, folder / "import", "tests.hangs_at_import", "--setup-timeout", "3") as running:
        ended = running.finish()
        seen = f"exit {ended.code}" + ", says where" * ("it hangs in tests/hangs_at_import.py, line" in ended.out)
        yield Row("a module that hangs at its import", "exit 4, says where", seen, running.left())


def runners(db: str, folder: Path) -> Iterator[Row]:
    """The runner's container, or its memory, goes."""
    with _hanging(db, folder / "runner") as running:
        (runner,) = running.containers("runner")
        running.docker("kill", runner)
        ended = running.finish()
        yield Row("kill -9 of the runner's container", "exit 3, 4 passed, 2 not run", seen_of(ended), running.left())
    with _hanging(db, folder / "paused") as running:
        (runner,) = running.containers("runner")
        running.docker("pause", runner)
        ended = running.finish()
        seen = seen_of(ended) + _says_stopped(ended)
        yield Row("the runner's container is paused", "exit 3, 4 passed, 2 not run, says so", seen, running.left())
    with Running(db, folder / "stopped", "tests.test_stopping", "--parallel", "1") as running:
        ended = running.finish()
        seen = seen_of(ended) + _says_stopped(ended)
        fault = "a test that stops the process that workers come from"
        yield Row(fault, "exit 3, 1 passed, 2 not run, says so", seen, running.left())
    with Running(db, folder / "still", "--settings", "config.slow_end", "tests.test_waits.QuickTests") as running:
        running.until('"PhaseFinished","phase":"tests"')
        running.remember()
        signal_inside(running, "STOP", 0.0)
        ended = running.finish()
        seen = seen_of(ended) + _says_stopped(ended)
        yield Row(
            "the runner's process is stopped after the last test", "exit 3, 3 passed, says so", seen, running.left()
        )
    with Running(db, folder / "dead", "tests.test_killing", "--parallel", "1") as running:
        ended = running.finish()
        seen = seen_of(ended) + ", says so" * ("The runner was ended by SIGKILL" in ended.out)
        fault = "a test that kills the process that workers come from"
        yield Row(fault, "exit 3, 1 passed, 2 not run, says so", seen, running.left())
    with Running(db, folder / "memory", "tests.test_memory", "--parallel", "1") as running:
        running.until('"ServerReady"', 2)
        (runner,) = running.containers("runner")
        running.docker("update", "--memory", "400m", "--memory-swap", "400m", runner)
        ended = running.finish()
        yield Row(
            "a test that takes more memory than there is", "exit 1, 1 passed, 1 crashed", seen_of(ended), running.left()
        )


def reports(db: str, folder: Path) -> Iterator[Row]:
    """The reports cannot be written at the end."""
    artifacts = folder / "full"
    with Running(db, artifacts, "tests.test_waits.QuickTests") as running:
        running.until('"ServerReady"', 2)
        running.remember()
        (artifacts / "junit.xml").mkdir()
        (artifacts / "junit.xml" / "in the way").touch()
        ended = running.finish()
        said = "Cannot write to" in ended.out and "; exit code 2" in ended.out
        agrees = ended.summary["exit_code"] == ended.code
        yield Row(
            "junit.xml cannot be written",
            "exit 2, says so, summary.json agrees",
            f"exit {ended.code}{', says so' * said}{', summary.json agrees' * agrees}",
            running.left(),
        )


def _hanging(db: str, artifacts: Path) -> Running:
    running = Running(db, artifacts, *HANGS)
    running.until('"AttemptStarted","test":"tests.test_waits.WaitTests.test_2_waits"')
    running.until('"UnitFinished","unit":"tests.test_waits.QuickTests"')
    running.remember()
    return running


def _named(ended: Ended) -> str:
    """The text ``, named`` if the lost worker is reported as the cause, else an empty one."""
    return ", named" * ("WorkerLost: worker" in ended.out)


def ends(db: str, folder: Path) -> Iterator[Row]:
    """Workers that end after all tests have passed, and errors of a test's own that look like the loss of a server."""
    for name, fault, words in (
        (
            "ExitTests",
            "a worker that dies after its last test",
            "exited with status 3 while no test ran, after tests.test_ends",
        ),
        (
            "SegfaultTests",
            "an exit handler that segfaults",
            "died with SIGSEGV while no test ran, after tests.test_ends",
        ),
    ):
        with Running(db, folder / name, f"tests.test_ends.{name}", "--parallel", "1") as running:
            ended = running.finish()
            seen = seen_of(ended) + _named(ended) + ", says so" * (words in " ".join(ended.out.split()))
            yield Row(fault, "exit 1, 1 passed, named, says so", seen, running.left())
    with Running(db, folder / "own", "tests.test_own_errors", "--parallel", "1", "--timeout", "60") as running:
        ended = running.finish()
        seen = seen_of(ended) + ", a worker lost" * bool(ended.report.lost)
        fault = "errors of a test's own: a guard against the network, too many connections, a running loop"
        yield Row(fault, "exit 1, 5 passed, 3 errors", seen, running.left())


def _says_stopped(ended: Ended) -> str:
    return ", says so" * ("The runner was stopped, and did not go on." in ended.out)


def seen_of(ended: Ended) -> str:
    """Exit code and counts, those that are not 0."""
    try:
        counts = ended.summary["counts"]
    except (OSError, json.JSONDecodeError):
        return f"exit {ended.code}, no summary: {ended.out[-300:]}"
    found = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count and name != "planned"]
    return ", ".join([f"exit {ended.code}", *found])


def crowd(db: str, folder: Path) -> Iterator[Row]:
    """Three runs at once, one of them killed at a random moment, as often as ``FAULTS_ROUNDS`` says."""
    for number in range(int(os.environ.get("FAULTS_ROUNDS", "2"))):
        seed = int(os.environ.get("FAULTS_SEED", "1")) + number
        moment = random.Random(seed).uniform(0.5, 12.0)
        folders = [folder / f"{number}-{name}" for name in ("killed", "one", "two")]
        with contextlib.ExitStack() as stack:
            victim, *others = [
                stack.enter_context(Running(db, each, "tests.test_waits.QuickTests")) for each in folders
            ]
            with contextlib.suppress(subprocess.TimeoutExpired):
                victim.process.wait(moment)
            victim.remember()
            victim.process.kill()
            seen = [seen_of(other.finish()) for other in others]
            left = (*victim.left(10.0), *others[0].left(), *others[1].left())
        yield Row(
            f"three runs at once, one of them killed after {moment:.1f} s (seed {seed})",
            "exit 0, 3 passed; exit 0, 3 passed",
            "; ".join(seen),
            left,
        )


SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {
    "starts": starts,
    "ends": ends,
    "interrupts": interrupts,
    "pipes": pipes,
    "killed": killed,
    "limits": limits,
    "hangs": hangs,
    "runners": runners,
    "reports": reports,
    "crowd": crowd,
}
