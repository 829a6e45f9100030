"""A worker's end ends all processes of its tests, in any group or session, and a run's end ends all processes of the run."""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode
from harness.protocol.events import AttemptStarted
from harness.protocol.messages import RunSpec
from harness.runner.processes.tree import children_of, snapshot
from tests.runner.conversation import Conversation, MakeProject, RunTests

LEAVES = """
import os, signal, subprocess, sys, time, unittest

def leave(number, **options):
    return subprocess.Popen(["sleep", os.environ["MARK"] + str(number)], **options)

def leave_a_daemon(number):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            leave(number)
            os.write(writing, b"it runs")
            time.sleep(1000)
        os._exit(0)
    os.wait()
    os.read(reading, 7)

class ATests(unittest.TestCase):
    harness_timeout = 1

    def test_1_joins_the_group_of_others(self):
        os.setpgid(0, os.getpgid(os.getppid()))
        time.sleep(1000)

    def test_2_leaves_a_session_and_hangs(self):
        leave(2, start_new_session=True)
        leave_a_daemon(3)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)

    def test_3_leaves_a_daemon_and_dies(self):
        leave_a_daemon(4)
        os._exit(3)

    def test_4_leaves_a_daemon_and_passes(self):
        leave_a_daemon(5)

    def test_5_finds_that_daemon_and_no_other(self):
        found = set()
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline") as file:
                    found.update(file.read().split("\\0"))
            except OSError:
                pass
        numbers = [number for number in range(10) if os.environ["MARK"] + str(number) in found]
        self.assertEqual(numbers, [5])

    def test_6_holds_every_descriptor_in_a_child(self):
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)

    def test_7_leaves_one_that_forks_for_ever(self):
        code = "import os, time\\nwhile True:\\n if os.fork(): os._exit(0)\\n os.setsid()\\n time.sleep(.001)"
        subprocess.Popen([sys.executable, "-S", "-c", code, os.environ["MARK"]])
        time.sleep(0.2)
"""


def marked(mark: str, patience_s: float = 5.0) -> list[str]:
    """The command lines that have *mark* in them: empty once there are none, or those left after *patience_s* seconds."""
    deadline = time.monotonic() + patience_s
    while (found := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _marked(mark: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (text := (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()):
                found.append(text)
    return found


@pytest.fixture
def mark() -> str:
    return f"{os.getpid()}{time.monotonic_ns() % 10**6:06}"


def test_what_leaves_its_group_ends_with_its_worker(project: MakeProject, run_project: RunTests, mark: str) -> None:
    project({"tests.py": LEAVES})
    journal = run_project("tests", workers=1, env={"MARK": mark})
    assert journal.outcomes() == {
        "ATests.test_1_joins_the_group_of_others": "TIMED_OUT",
        "ATests.test_2_leaves_a_session_and_hangs": "TIMED_OUT",
        "ATests.test_3_leaves_a_daemon_and_dies": "CRASHED",
        "ATests.test_4_leaves_a_daemon_and_passes": "PASSED",
        "ATests.test_5_finds_that_daemon_and_no_other": "PASSED",
        "ATests.test_6_holds_every_descriptor_in_a_child": "PASSED",
        "ATests.test_7_leaves_one_that_forks_for_ever": "PASSED",
    }
    assert marked(mark) == []


HANGS = (
    LEAVES
    + """
class BTests(unittest.TestCase):
    def test_hangs(self):
        leave_a_daemon(1)
        leave(2, start_new_session=True)
        time.sleep(0.2)
        print("all is left", flush=True)
        time.sleep(1000)
"""
)


class Supervised:
    """A run with a supervisor, whose test hangs and has processes of its own: ``runner`` is the supervisor's child."""

    def __init__(self, conversation: Conversation, mark: str) -> None:
        self.conversation, self.mark = conversation, mark
        self.supervisor = conversation.process.pid
        conversation.begin(RunSpec(settings="settings", labels=("tests.BTests",), workers=1))
        conversation.read_until(AttemptStarted)
        while len(_marked(mark)) < 2:
            time.sleep(0.02)

    @property
    def runner(self) -> int:
        return next(iter(children_of(self.supervisor, snapshot())))


@pytest.fixture
def supervised(project: MakeProject, mark: str) -> Any:
    folder = project({"tests.py": HANGS})
    with Conversation(folder, env={"MARK": mark}, arguments=["--keep"]) as conversation:
        yield Supervised(conversation, mark)
    assert marked(mark) == []


def test_what_a_killed_runner_leaves_behind_ends_with_it(supervised: Any) -> None:
    os.kill(supervised.runner, signal.SIGKILL)
    assert supervised.conversation.process.wait(30) == -signal.SIGKILL
    assert _marked(supervised.mark) == []


def test_a_stopped_runner_ends_at_the_hosts_request(supervised: Any) -> None:
    os.kill(supervised.runner, signal.SIGSTOP)
    os.kill(supervised.supervisor, signal.SIGUSR2)
    assert supervised.conversation.process.wait(30) == -signal.SIGKILL
    assert _marked(supervised.mark) == []


def test_a_supervisor_passes_signals_and_the_status_on(project: MakeProject, mark: str) -> None:
    folder = project({"tests.py": IMPORT_HANGS})
    with Conversation(folder, env={"MARK": mark}, arguments=["--keep"]) as conversation:
        conversation.begin(RunSpec(settings="settings", labels=("tests",)))
        while not _marked(mark):
            time.sleep(0.02)
        os.kill(conversation.process.pid, signal.SIGTERM)
        journal = conversation.finish()
        assert journal.status == journal.aborted.exit_code == ExitCode.SERVERS
        assert _marked(mark) == []


IMPORT_HANGS = """
import os, subprocess, time
subprocess.Popen(["sleep", os.environ["MARK"]], start_new_session=True)
try:
    time.sleep(1000)
except BaseException:
    if "STUBBORN" not in os.environ:
        raise
    time.sleep(1000)
"""


def test_a_hanging_runner_does_not_outlive_a_killed_host(project: MakeProject, mark: str) -> None:
    folder = project({"tests.py": IMPORT_HANGS})
    host = ("sh", "-c", '"$@"; exit', "sh")
    with Conversation(folder, env={"MARK": mark, "STUBBORN": "1"}, before=host, arguments=["--keep"]) as conversation:
        conversation.begin(RunSpec(settings="settings", labels=("tests",)))
        while not _marked(mark):
            time.sleep(0.02)
        conversation.process.kill()
        assert marked(mark, 30.0) == []
