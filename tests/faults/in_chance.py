"""Random faults at random moments: the reports are whole, the exit code agrees with them, and nothing is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.e2e.command import Ended
from tests.faults.row import Row
from tests.faults.running import Running, signal_inside

LAST_S = 7.0
"""About when a run of these tests ends by itself."""

EXPECTED = "each planned test once, as the exit code says"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CONTAINERS = [(command, role) for command in ("kill", "stop", "pause") for role in ("primary", "replica", "runner")]


def scene(db: str, folder: Path) -> Iterator[Row]:
    """Something is hit at a moment, or as soon as it is there after that. As many rounds as ``FAULTS_ROUNDS`` says;
    ``FAULTS_SEED`` chooses the first, to see one again.
    """
    for number in range(int(os.environ.get("FAULTS_ROUNDS", "4"))):
        seed = int(os.environ.get("FAULTS_SEED", "19")) + number
        chance = random.Random(seed)
        moment = chance.uniform(0.3, LAST_S)
        hit, inject = _choose(chance)
        arguments = ("tests.test_busy", "--parallel", "2", "--timeout", "20")
        with Running(db, folder / str(number), *arguments) as running:
            try:
                running.process.wait(moment)
            except subprocess.TimeoutExpired:
                running.remember()
                while not inject(running) and running.process.poll() is None:
                    time.sleep(0.05)  # its target is not there yet
            ended = running.finish()
            yield Row(f"{hit} after {moment:.1f} s (seed {seed})", EXPECTED, told(ended), running.left(10.0))


def _choose(chance: random.Random) -> tuple[str, Callable[[Running], bool]]:
    """The name of a random fault, and the function that injects it and returns whether its target was there."""
    kind = chance.choice(("harness", "container", "process"))
    if kind == "harness":
        number = chance.choice(_SIGNALS)
        return number.name, lambda running: not running.signal(number)
    if kind == "process":
        name, place = chance.choice(("KILL", "STOP", "SEGV", "TERM")), chance.random()
        return f"SIG{name} to a process of the runner", lambda running: signal_inside(running, name, place)
    command, role = chance.choice(_CONTAINERS)

    def inject(running: Running) -> bool:
        try:
            return [running.docker(command, container) for container in running.containers(role)] != []
        except subprocess.CalledProcessError:  # it has just ended by itself
            return False

    return f"docker {command} of the {role}", inject


def told(ended: Ended) -> str:
    """``EXPECTED``, or what is wrong with the reports of a run that has ended."""
    if not (ended.artifacts / "summary.json").is_file():
        # before the run has a folder for its artifacts a signal does to it what it does to any process
        return EXPECTED if ended.code in (-1, -2, -15, 3, 130, 143) else f"exit {ended.code}: {ended.out[-500:]}"
    summary, report = ended.summary, ended.report
    cases = Counter(case.test.id for case in report.cases if case.is_planned)
    suites = ET.parse(ended.artifacts / "junit.xml").getroot()
    in_junit = Counter(f"{case.get('classname')}.{case.get('name')}" for case in suites.iter("testcase"))
    wrong = [
        *(f"{test}: {count} times" for test, count in cases.items() if count != 1),
        *(f"{test}: not once in junit.xml" for test in cases if in_junit[test] != 1),
    ]
    if len(cases) != summary["counts"]["planned"]:
        wrong.append(f"{len(cases)} of {summary['counts']['planned']} planned")
    passed = summary["counts"]["passed"] == summary["counts"]["planned"] > 0
    if summary["exit_code"] != ended.code or (ended.code == 0 and not passed):
        wrong.append(f"exit {ended.code}, summary {summary['exit_code']}, {summary['counts']}")
    return "; ".join(wrong) or EXPECTED


SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {"chance": scene}
