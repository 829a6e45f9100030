"""Signed messages and lines, with a real child process in the runner's place; ends that contradict the journal."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host.launch.child_process import ChildRunner
from harness.host.launch.conversation import Conversation, Ended, end_error
from harness.protocol.events import RunAborted, RunFinished
from harness.protocol.messages import Begin, RunSpec, Stop
from tests.markdown import ROOT

# answers each message with its type, on the journal's signed pieces, between lines of a test's own
RUNNER = """
    import sys
    from harness.protocol import codec, signatures
    keys = sys.stdin.buffer.readline()
    journal_key, message_key = keys[: signatures.KEY_BYTES], keys[signatures.KEY_BYTES : -1]
    for number, line in enumerate(sys.stdin.buffer):
        body = signatures.message_of(message_key, number, line)
        print("a test's line", flush=True)
        for piece in signatures.pieces(type(codec.decode_body(body)).__name__.encode() * 2000 + b"\\n"):
            sys.stdout.buffer.write(journal_key + piece)
        sys.stdout.flush()
"""


ABORTED = RunAborted(ExitCode.PROJECT, "The settings cannot be loaded.")


def begin(folder: Path, script: str) -> Conversation:
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return Conversation(ChildRunner(folder, {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, command))


def test_messages_are_signed_and_lines_are_opened(tmp_path: Path) -> None:
    with begin(tmp_path, RUNNER) as conversation:
        lines = conversation.lines()
        for message in (Begin(RunSpec()), Stop("x", ExitCode.SERVERS)):
            conversation.send(message)
            assert next(lines) == type(message).__name__.encode() * 2000 + b"\n"
        conversation.runner.close_stdin()
        assert list(lines) == []
        assert conversation.runner.wait(60.0) == Ended(0)
        assert conversation.runner.stderr.text() == "a test's line\n" * 2


def test_a_torn_line_has_no_newline(tmp_path: Path) -> None:
    script = "import sys; print(sys.stdin.readline()[:32] + '+{\"v\":1', flush=True)"
    with begin(tmp_path, script) as conversation:
        assert list(conversation.lines()) == [b'{"v":1']


@pytest.mark.parametrize(
    ("end", "status"), [(RunFinished(0), 0), (RunFinished(2), 0), (ABORTED, 4)], ids=["green", "red", "aborted"]
)
def test_a_status_that_agrees_with_the_journal_is_no_error(end: RunFinished | RunAborted, status: int) -> None:
    assert end_error(end, Ended(status), "") is None


@pytest.mark.parametrize(("end", "status"), [(RunFinished(0), 1), (RunFinished(2), -9), (ABORTED, 0)])
def test_a_status_that_contradicts_the_journal_is_a_bug(end: RunFinished | RunAborted, status: int) -> None:
    error = end_error(end, Ended(status), "Traceback")
    assert isinstance(error, HarnessError)
    assert error.exit_code == ExitCode.INTERNAL
    assert error.message == f"The runner reported {type(end).__name__} and then ended with status {status}."
    assert error.evidence == "Traceback"


class TestWithoutAnEndInTheJournal:
    def test_a_full_memory_is_the_cause(self) -> None:
        error = end_error(None, Ended(-9, oom_killed=True), "")
        assert isinstance(error, ServerError)
        assert error.message == "The runner's container ran out of memory."

    def test_a_signal_is_the_cause(self) -> None:
        error = end_error(None, Ended(-9), "")
        assert isinstance(error, ServerError)
        assert error.message == "The runner was ended by SIGKILL before it reported the end of the run."

    @pytest.mark.parametrize(
        ("stderr", "begin"), [("", "journal.ndjson"), ("Traceback", "The end of its error stream")]
    )
    def test_a_status_is_a_bug(self, stderr: str, begin: str) -> None:
        error = end_error(None, Ended(0), stderr)
        assert isinstance(error, HarnessError)
        assert (error.exit_code, error.evidence) == (ExitCode.INTERNAL, stderr)
        assert error.message == "The runner ended with status 0 before it reported the end of the run."
        assert error.hint.startswith(begin)
