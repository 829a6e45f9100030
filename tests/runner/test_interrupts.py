"""The run is told to end: at every stage, in every way, more than once. It says so, and leaves no process behind."""

import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.protocol import codec
from harness.protocol.events import AttemptStarted, PhaseStarted, RunAborted, RunFinished, TopologyFound
from harness.protocol.messages import Begin, RunSpec, Stop
from tests.runner.conftest import PROJECT, make_project, together
from tests.runner.conversation import Conversation, Journal, MakeProject, RunTests

SPEC = RunSpec(settings="config.settings", labels=("cases.test_hangs",), workers=2)


def stop(conversation: Conversation) -> None:
    conversation.send(Stop("Ctrl-C on the host", ExitCode.SIGINT))


def hang_up(conversation: Conversation) -> None:
    conversation.stdin.close()


def terminate(conversation: Conversation) -> None:
    conversation.process.send_signal(signal.SIGTERM)


def interrupt(conversation: Conversation) -> None:
    conversation.process.send_signal(signal.SIGINT)


def fail_servers(conversation: Conversation) -> None:
    conversation.send(Stop("the primary died", ExitCode.SERVERS))


# the host says so when somebody interrupts it: a signal from elsewhere, or silence, is a fault around the run
WAYS = [(stop, 130), (hang_up, 3), (terminate, 3), (interrupt, 3), (fail_servers, 3)]
ENDING = [(stop, 130), (terminate, 3), (fail_servers, 3)]


@pytest.fixture
def conversation() -> Iterator[Conversation]:
    with Conversation(PROJECT) as conversation:
        yield conversation


def run_until_tests_hang(conversation: Conversation, spec: RunSpec = SPEC) -> None:
    conversation.begin(spec)
    for _ in range(2):
        conversation.read_until(AttemptStarted)


GRACE = """
import time, unittest

class QuickTests(unittest.TestCase):
    def test_1_ends_soon(self):
        time.sleep(1)
    def test_2_does_not_begin(self):
        pass

class SlowTests(unittest.TestCase):
    def test_takes_too_long(self):
        time.sleep(600)
"""

DISCOVERY = """
import os, sys, time, unittest

print("importing", flush=True)
try:
    time.sleep(600)
except BaseException:
    pass

class Tests(unittest.TestCase):
    def test_one(self):
        pass
"""

DEAF = """
import signal, time, unittest

class Tests(unittest.TestCase):
    def test_one(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        print("deaf")
        time.sleep(600)
"""


End = Callable[[Conversation], None]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, End], Journal]:
    """The journals of runs that end in the middle of their tests: of tests that hang, and of one that ends in a moment.

    They run at once: where the host did not ask for the end, workers have eight seconds for it.
    """
    folder = make_project(tmp_path_factory.mktemp("grace"), {"tests.py": GRACE})

    def run_to(end: End, project: Path, spec: RunSpec) -> Journal:
        with Conversation(project) as conversation:
            run_until_tests_hang(conversation, spec)
            end(conversation)
            return conversation.finish()

    grace = RunSpec(settings="settings", labels=("tests",), workers=2)
    calls: dict[tuple[str, End], Callable[[], Journal]] = {
        **{("hanging", end): partial(run_to, end, PROJECT, SPEC) for end, _ in WAYS},
        **{("ending", end): partial(run_to, end, folder, grace) for end, _ in ENDING},
    }
    return together(calls)


class TestEnds:
    @pytest.mark.parametrize(("end", "status"), WAYS)
    def test_a_run_ends_in_the_middle_of_its_tests(
        self, ended: dict[tuple[str, End], Journal], end: End, status: int
    ) -> None:
        journal = ended["hanging", end]
        assert journal.status == status
        assert journal.aborted.exit_code == status
        assert journal.aborted.is_echo == (end in (stop, fail_servers))
        assert journal.all(RunFinished) == []

    @pytest.mark.parametrize(("end", "status"), ENDING)
    def test_tests_that_run_may_end_for_a_moment(
        self, ended: dict[tuple[str, End], Journal], end: End, status: int
    ) -> None:
        journal = ended["ending", end]
        assert journal.status == status
        assert journal.outcomes() == {"QuickTests.test_1_ends_soon": "PASSED"}

    @pytest.mark.parametrize(("end", "status"), [(stop, 130), (terminate, 3), (hang_up, 3)])
    def test_a_run_ends_while_it_waits_for_the_host(
        self, conversation: Conversation, end: Callable[[Conversation], None], status: int
    ) -> None:
        conversation.send(Begin(SPEC))
        conversation.read_until(TopologyFound)
        end(conversation)
        assert conversation.finish().status == status

    def test_the_first_request_to_end_is_reported(self, conversation: Conversation) -> None:
        """A host that is interrupted says so, hangs up, and the terminal's signal comes along."""
        run_until_tests_hang(conversation)
        stop(conversation)
        conversation.stdin.close()
        for _ in range(20):
            conversation.process.send_signal(signal.SIGINT)
            conversation.process.send_signal(signal.SIGTERM)
            time.sleep(0.005)
            if conversation.process.poll() is not None:
                break
        journal = conversation.finish()
        assert len(journal.all(RunAborted)) == 1
        assert journal.status in (130, 3)
        assert journal.aborted.exit_code == journal.status

    def test_nothing_is_left_when_the_host_has_ended(self, conversation: Conversation) -> None:
        run_until_tests_hang(conversation)
        conversation.stdout.close()
        conversation.stdin.close()
        assert conversation.process.wait(60) == 3
        assert conversation.processes_left() == []


class TestSwallowed:
    @pytest.mark.parametrize(("end", "status"), [(stop, 130), (terminate, 3)])
    def test_code_that_swallows_the_interruption_is_ended(
        self, project: MakeProject, end: Callable[[Conversation], None], status: int
    ) -> None:
        with Conversation(project({"tests.py": DISCOVERY})) as conversation:
            conversation.begin(RunSpec(settings="settings", labels=("tests",)))
            while "importing" not in conversation.errors():
                time.sleep(0.01)
            end(conversation)
            journal = conversation.finish()
        assert journal.status == status
        assert journal.attempts == []

    def test_a_runner_class_that_swallows_interruptions_is_not_green(self) -> None:
        with Conversation(PROJECT, env={"RUNNER_CLASS": "config.runners.SwallowsEverything"}) as conversation:
            run_until_tests_hang(conversation)
            stop(conversation)
            assert conversation.finish().status == 130

    def test_a_test_that_ignores_signals_is_killed(self, project: MakeProject) -> None:
        with Conversation(project({"tests.py": DEAF})) as conversation:
            conversation.begin(RunSpec(settings="settings", labels=("tests",)))
            conversation.read_until(AttemptStarted)
            time.sleep(0.3)
            stop(conversation)
            assert conversation.finish().status == 130

    def test_a_run_that_is_stopped_while_its_databases_are_made_ends(self, project: MakeProject) -> None:
        runner = """
import time
from django.test.runner import DiscoverRunner

class Runner(DiscoverRunner):
    def setup_databases(self, **kwargs):
        old_config = super().setup_databases(**kwargs)
        print("filling", flush=True)
        time.sleep(600)
"""
        folder = project({"runner.py": runner, "tests.py": DEAF}, 'TEST_RUNNER = "runner.Runner"')
        with Conversation(folder) as conversation:
            conversation.begin(RunSpec(settings="settings", labels=("tests",)))
            conversation.read_until(PhaseStarted, phase="template")
            stop(conversation)
            assert conversation.finish().status == 130


class TestMessages:
    def test_a_message_of_the_wrong_kind_is_reported(self, conversation: Conversation) -> None:
        conversation.send_line(b"{}\n")
        journal = conversation.finish()
        assert journal.status == 70
        assert "CodecError" in journal.aborted.message

    def test_a_line_that_the_host_has_not_signed_is_ignored(self, conversation: Conversation) -> None:
        """A test can write to the stdin of a container's first process."""
        conversation.write(codec.encode_body(Stop("forged", ExitCode.GREEN)).encode())
        conversation.send_line(codec.encode_body(Stop("signed", ExitCode.SIGTERM)).encode())
        aborted = conversation.finish().aborted
        assert (aborted.message, aborted.exit_code) == ("signed", ExitCode.SIGTERM)

    def test_signs_of_life_are_written_while_tests_are_silent(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        body = "import time, unittest\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        time.sleep(6)\n"
        project({"tests.py": body})
        journal = run_project("tests")
        assert journal.status == 0
        assert journal.signs_of_life
