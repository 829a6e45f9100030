"""The same faults in a project of pytest: workers, fixtures and pytest itself that die, hang or exit."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.e2e.command import PROJECTS, Ended
from tests.faults import declared, in_tests
from tests.faults.in_runs import seen_of
from tests.faults.row import Row
from tests.faults.running import Running

PROJECT = PROJECTS / "pytest_faults"
MODULES = ("test_workers", "test_phases", "test_results", "test_attacks", "alone/test_files")
SHARED = {
    "modules/test_up_dies.py": ("a crash in the set-up of a module's fixture", "2 CRASHED, 1 NOT_RUN"),
    "modules/test_up_exits.py": ("sys.exit in the set-up of a module's fixture", "3 ERRORED"),
    "modules/test_up_hangs.py": ("a hang in the set-up of a module's fixture", "1 NOT_RUN, 2 TIMED_OUT"),
    "modules/test_down_dies.py": ("a crash in the tear-down of a module's fixture", "1 CRASHED, 2 PASSED"),
    "modules/test_down_exits.py": (
        "sys.exit in the tear-down of a module's fixture",
        "3 PASSED, test_3::teardown ERRORED",
    ),
    "modules/test_down_hangs.py": ("a hang in the tear-down of a module's fixture", "2 PASSED, 1 TIMED_OUT"),
    "package_up_dies": ("a crash in the set-up of a package's fixture", "2 CRASHED, 2 NOT_RUN"),
    "package_up_hangs": ("a hang in the set-up of a package's fixture", "2 NOT_RUN, 2 TIMED_OUT"),
    "package_down_dies": ("a crash in the tear-down of a package's fixture", "4 PASSED, teardown CRASHED"),
    "package_down_hangs": ("a hang in the tear-down of a package's fixture", "4 PASSED, teardown TIMED_OUT"),
}
"""The fixtures of several tests, by the places of their tests: the fault, and what must come of the tests."""
SESSIONS = {"dies": "2 CRASHED, 2 NOT_RUN, 2 PASSED", "hangs": "2 NOT_RUN, 2 PASSED, 2 TIMED_OUT"}
LONG_S = 300.0
WAITS = ("--parallel", "1", "--timeout", "300")
_ASKS = ("tests/alone/test_servers.py", "--parallel", "2", "--timeout", "60")
_DIES = "The runner ended with status 0 before it reported the end of the run"
STARTS = (
    ("alone/test_import_waits.py", "a module that hangs at its import", 4, "it hangs in tests/{}, line 5"),
    ("alone/test_import_exits.py", "a module that exits at its import", 4, "tests/{}, line 5, raised SystemExit"),
    ("alone/test_import_dies.py", "a module that ends the process at its import", 70, _DIES),
    ("conftest_exits", "a conftest.py that exits", 4, "tests/{}/conftest.py, line 3, raised SystemExit"),
    ("conftest_dies", "a conftest.py that ends the process", 70, _DIES),
)
"""The labels of tests that cannot be collected: the fault, the exit code, and what is said of it."""


def tests(db: str, folder: Path) -> Iterator[Row]:
    """A row for each class of the project's modules, all of them in one run."""
    labels = [f"tests/{module}.py" for module in MODULES]
    with Running(db, folder / "tests", *labels, "--parallel", "2", project=PROJECT) as running:
        ended = running.finish(LONG_S)
        left = running.left()
    for module in MODULES:
        classes = declared.read(PROJECT / "tests" / f"{module}.py")
        yield from in_tests.rows(classes, ended, left, partial(_parts, f"tests/{module}.py::"))


def _parts(module: str, id: str) -> tuple[str, str]:
    """The class and the name of the test *id*, if it is one of *module*."""
    owner, _, name = id.removeprefix(module).partition("::")
    return owner, name


def fixtures(db: str, folder: Path) -> Iterator[Row]:
    """Fixtures of several tests that die or hang."""
    labels = [f"tests/{place}" for place in SHARED]
    with Running(db, folder / "shared", *labels, "--parallel", "2", project=PROJECT) as running:
        ended = running.finish()
        for place, (fault, expected) in SHARED.items():
            yield Row(fault, expected, _told(ended, f"tests/{place}"), running.left())
    labels = [f"tests/session_up_{way}" for way in SESSIONS]
    with Running(db, folder / "up", *labels, "--parallel", "1", project=PROJECT) as running:
        ended = running.finish()
        for way, expected in SESSIONS.items():
            fault = f"a fixture of the session whose set-up {way}"
            yield Row(fault, expected, _told(ended, f"tests/session_up_{way}"), running.left())
    for way, outcome in (("dies", "CRASHED"), ("hangs", "TIMED_OUT")):
        with Running(db, folder / way, f"tests/session_down_{way}", "--parallel", "1", project=PROJECT) as running:
            ended = running.finish()
            fault = f"a fixture of the session whose tear-down {way}"
            seen = f"{_told(ended, f'tests/session_down_{way}')}, {_told(ended, 'session')}"
            yield Row(fault, f"6 PASSED, teardown {outcome}", seen, running.left())


def _told(ended: Ended, place: str) -> str:
    """The outcomes of the tests of *place*, counted, and of its fixtures, by their names."""
    cases = [case for case in ended.report.cases if re.match(rf"{re.escape(place)}(/|::)", case.test.id)]
    counts = Counter(case.outcome.value for case in cases if case.is_planned)
    extras = [case for case in cases if not case.is_planned]
    fixtures = [f"{case.test.id.removeprefix(place).strip(':')} {case.outcome.value}" for case in extras]
    return ", ".join([*(f"{count} {outcome}" for outcome, count in sorted(counts.items())), *fixtures])


def starts(db: str, folder: Path) -> Iterator[Row]:
    """A module or a ``conftest.py`` that ends the process, or never ends, while pytest collects."""
    for label, fault, code, words in STARTS:
        name = label.replace("/", "-")
        with Running(db, folder / name, f"tests/{label}", "--setup-timeout", "20", project=PROJECT) as running:
            ended = running.finish()
            says = ", says so" * (words.format(label) in " ".join(ended.out.split()))
            yield Row(fault, f"exit {code}, says so", f"exit {ended.code}{says}", running.left())


def interrupts(db: str, folder: Path) -> Iterator[Row]:
    """Signals to the harness in each phase of a test; what is known is reported."""
    started = '"AttemptStarted","test":"tests/alone/{}.py::test_2_waits"'
    for module, word, number, expected in (
        ("test_set_up", started, signal.SIGINT, "exit 130, 1 passed, 2 not run"),
        ("test_call", started, signal.SIGTERM, "exit 143, 1 passed, 2 not run"),
        ("test_tear_down", started, signal.SIGINT, "exit 130, 1 passed, 2 not run"),
        ("test_session", '"FixtureStarted","test":"session::teardown"', signal.SIGINT, "exit 130, 1 passed"),
        ("test_import_waits", '"FrameworkChosen"', signal.SIGINT, "exit 130"),
    ):
        with Running(db, folder / module, f"tests/alone/{module}.py", *WAITS, project=PROJECT) as running:
            running.until(word.format(module))
            running.remember()
            time.sleep(1.0)  # the event comes before the phase
            running.signal(number)
            ended = running.finish()
            phase = module.removeprefix("test_").replace("_", " ")
            yield Row(f"{number.name} in: {phase}", expected, seen_of(ended), running.left())


def ends(db: str, folder: Path) -> Iterator[Row]:
    """Tests that end all that runs them, one after the other or at once."""
    with Running(db, folder / "loop", "tests/alone/test_loop.py", "--parallel", "2", project=PROJECT) as running:
        ended = running.finish()
        says = ", says so" * ("20 workers in a row died" in ended.out)
        counts = ended.summary["counts"]
        seen = f"exit {ended.code}, {counts['crashed'] + counts['not_run']} of 40{says}"
        yield Row("test after test that kills its worker", "exit 1, 40 of 40, says so", seen, running.left())
    with Running(db, folder / "dead", "tests/alone/test_killing.py", *WAITS, project=PROJECT) as running:
        ended = running.finish()
        says = ", says so" * ("The runner was ended by SIGKILL" in ended.out)
        fault = "a test that kills the process that workers come from"
        yield Row(fault, "exit 3, 1 passed, 2 not run, says so", seen_of(ended) + says, running.left())
    with Running(db, folder / "memory", "tests/alone/test_memory.py", *WAITS, project=PROJECT) as running:
        running.until('"ServerReady"', 2)
        (runner,) = running.containers("runner")
        running.docker("update", "--memory", "400m", "--memory-swap", "400m", runner)
        ended = running.finish()
        fault = "a test that takes more memory than there is"
        yield Row(fault, "exit 1, 1 passed, 1 crashed", seen_of(ended), running.left())


def servers(db: str, folder: Path) -> Iterator[Row]:
    """A server that dies while tests ask it."""
    for role in ("primary", "replica"):
        with Running(db, folder / role, *_ASKS, project=PROJECT) as running:
            running.until('"AttemptStarted"', 2)
            running.remember()
            (container,) = running.containers(role)
            running.docker("kill", container)
            ended = running.finish()
            named = ", named" * bool(re.search(rf"The server \S+ \(.*{role}.*\) ended with exit status 137", ended.out))
            counts = ended.summary["counts"]
            seen = f"exit {ended.code}, {counts['errors'] + counts['failed']} hit, {counts['not_run']} not run{named}"
            yield Row(f"a {role} is killed while tests run", "exit 3, 2 hit, 10 not run, named", seen, running.left())


SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {
    "pytest_tests": tests,
    "pytest_fixtures": fixtures,
    "pytest_starts": starts,
    "pytest_interrupts": interrupts,
    "pytest_ends": ends,
    "pytest_servers": servers,
}
