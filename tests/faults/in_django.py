"""The faults that Django's own parallel runner is known for, by the harness, with what Django does beside it from a real run."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.command import Ended, environment
from tests.faults.row import Row
from tests.faults.running import PROJECT, Running
from tests.signals import DEFAULT_SIGNALS

HANGS_S = 20.0
"""After so many seconds a run of a few quick tests that has not ended does not end."""


DJANGOS_AT_ONCE = 3
"""Several of Django's runs only wait until they are ended."""


@dataclass(frozen=True)
class Fault:
    """``expected`` is the text that ``seen`` makes of the harness's run; ``django`` describes Django's run.

    The harness runs the tests of all faults in one run, except for a fault that ``is_alone``: its arguments, settings or
    end are those of a run.
    """

    name: str
    tests: tuple[str, ...]
    expected: str
    seen: Callable[[Ended, Fault], str]
    django: Callable[[str], str]
    arguments: tuple[str, ...] = ()
    settings: str = "config.settings"
    plain: str = "config.plain"
    interrupt_s: float | None = None
    is_alone: bool = False


def scene(db: str, folder: Path) -> Iterator[Row]:
    """A row for each fault."""
    with ThreadPoolExecutor(DJANGOS_AT_ONCE) as pool:
        theirs = {fault.name: pool.submit(_django, fault) for fault in FAULTS}
        shared = [fault for fault in FAULTS if not fault.is_alone]
        tests = dict.fromkeys(test for fault in shared for test in fault.tests)
        with Running(db, folder / "shared", *tests, "--debug-sql", "--parallel", "2") as running:
            ended = running.finish()
            for fault in shared:
                yield _row(fault, theirs[fault.name].result(), ended, running)
        for number, fault in enumerate(fault for fault in FAULTS if fault.is_alone):
            arguments = (*fault.tests, *fault.arguments, "--settings", fault.settings, "--parallel", "2")
            with Running(db, folder / str(number), *arguments) as running:
                if fault.interrupt_s is not None:
                    running.until('"AttemptStarted","test":"tests.test_waits.WaitTests.test_2_waits"')
                    running.remember()
                    running.signal(signal.SIGINT)
                ended = running.finish()
                yield _row(fault, theirs[fault.name].result(), ended, running)


def _row(fault: Fault, out: str, ended: Ended, running: Running) -> Row:
    return Row(f"{fault.name} [Django: {fault.django(out)}]", fault.expected, fault.seen(ended, fault), running.left())


def _django(fault: Fault) -> str:
    """The output of Django's runner, with its exit status in the last line; ``still running`` where it does not end."""
    process = subprocess.Popen(
        [
            *DEFAULT_SIGNALS,
            sys.executable,
            "manage.py",
            "test",
            "--noinput",
            "--parallel=2",
            *fault.tests,
            *fault.arguments,
        ],
        cwd=PROJECT,
        env={**environment(), "DJANGO_SETTINGS_MODULE": fault.plain},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        if fault.interrupt_s is not None:
            time.sleep(fault.interrupt_s)
            os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=HANGS_S)
        return f"{out}\nexit {process.returncode}"
    except subprocess.TimeoutExpired:
        return "still running"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _outcomes(ended: Ended, fault: Fault) -> str:
    """The outcomes of the fault's own tests, with the exit status of a run that is the fault's alone."""
    found = sorted(
        f"{'.'.join(test.split('.')[-2:])} {outcome}"
        for test, outcome in ended.outcomes.items()
        if test.rpartition(".")[0] in fault.tests
    )
    return f"exit {ended.code}: " * fault.is_alone + ", ".join(found)


def _exit(out: str) -> str:
    if out == "still running":
        return f"still running after {HANGS_S:g} s"
    ran = re.search(r"Ran (\d+) tests?", out)
    return f"{out.splitlines()[-1]}, {f'ran {ran[1]}' if ran else 'no report'}"


def _has(text: str, there: str, gone: str) -> Callable[[str], str]:
    return lambda out: f"{_exit(out)}, {there if re.search(text, out) else gone}"


def _shows(pattern: str) -> Callable[[Ended, Fault], str]:
    return lambda ended, fault: f"exit {ended.code}, {'shown' if re.search(pattern, ended.out) else 'not shown'}"


FAULTS = (
    Fault(
        "a worker dies",
        ("tests.test_workers.ExitTests", "tests.test_django.PassingTests"),
        "ExitTests.test_1_before PASSED, ExitTests.test_2_dies CRASHED, ExitTests.test_3_after PASSED,"
        " PassingTests.test_passes PASSED",
        _outcomes,
        _exit,
    ),
    Fault(
        "a test hangs",
        ("tests.test_waits.WaitTests", "tests.test_django.PassingTests"),
        "exit 1, shown",
        _shows(r"TIMEOUT tests\.test_waits\.WaitTests\.test_2_waits"),
        _exit,
    ),
    Fault(
        "Ctrl-C while a test hangs",
        ("tests.test_waits.WaitTests", "tests.test_waits.QuickTests"),
        "exit 130, shown",
        _shows("not run"),
        _exit,
        interrupt_s=8.0,
        is_alone=True,
    ),
    Fault(
        "an exception that cannot be pickled",
        ("tests.test_django.UnpicklableTests", "tests.test_django.FailingTests"),
        "FailingTests.test_fails FAILED, UnpicklableTests.test_raises ERRORED",
        _outcomes,
        _has("MaybeEncodingError|cannot pickle", "the run aborts", "reported"),
    ),
    Fault(
        "subTests with objects for parameters",
        ("tests.test_django.SubTests", "tests.test_django.PassingTests"),
        "PassingTests.test_passes PASSED, SubTests.test_sub FAILED",
        _outcomes,
        _has("object at 0x", "an id with an address in it", "a stable id"),
    ),
    Fault(
        "setUpClass fails",
        ("tests.test_django.SetUpClassTests", "tests.test_django.PassingTests"),
        "PassingTests.test_passes PASSED, SetUpClassTests.setUpClass ERRORED, SetUpClassTests.test_1 NOT_RUN,"
        " SetUpClassTests.test_2 NOT_RUN",
        _outcomes,
        _has("_ErrorHolder|setUpClass", "two of three tests vanish", "all accounted for"),
    ),
    Fault(
        "tearDownClass fails",
        ("tests.test_django.TearDownClassTests", "tests.test_django.PassingTests"),
        "PassingTests.test_passes PASSED, TearDownClassTests.tearDownClass ERRORED, TearDownClassTests.test_1 PASSED",
        _outcomes,
        _has(r"ERROR: test_1", "the class's last test is blamed", "tearDownClass is blamed"),
    ),
    Fault(
        "--debug-sql in parallel",
        ("tests.test_django.FailingTests", "tests.test_django.PassingTests"),
        "exit 1, shown",
        _shows('INSERT INTO ["`]shop_account["`]'),
        _has("INSERT INTO", "SQL shown", "no SQL"),
        ("--debug-sql",),
    ),
    Fault(
        "no tests",
        ("tests.test_django", "-k", "nothing_is_called_so"),
        "exit 5",
        lambda ended, fault: f"exit {ended.code}",
        _exit,
        is_alone=True,
    ),
    Fault(
        "MIRROR: what was written shows on it, and it takes no writes",
        ("tests.test_django.MirrorTests", "tests.test_django.PassingTests"),
        "MirrorTests.test_shows_what_was_written PASSED, MirrorTests.test_takes_no_write PASSED,"
        " PassingTests.test_passes PASSED",
        _outcomes,
        _exit,
    ),
    Fault(
        "DEPENDENCIES: tests of another database alone",
        ("tests.test_django.OtherTests", "tests.test_django.MoreTests"),
        "exit 0: MoreTests.test_passes PASSED, OtherTests.test_reads PASSED",
        _outcomes,
        _has("Circular dependency", "'Circular dependency'", "runs"),
        settings="config.dependent",
        plain="config.dependent_plain",
        is_alone=True,
    ),
)

SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {"django": scene}
