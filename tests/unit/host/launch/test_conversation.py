"""Signed messages and lines, with a real child process in the runner's place; ends that contradict the journal."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host.launch.child_process import ChildRunner
from harness.host.launch.conversation import Conversation, Ended, Tail, end_error, whole_lines
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


class TestLines:
    def test_keep_their_newline_which_a_torn_one_lacks(self) -> None:
        assert list(whole_lines([b"one\ntw", b"o\n", b"\nthr", b"ee"])) == [b"one\n", b"two\n", b"\n", b"three"]

    def test_of_no_output_are_none(self) -> None:
        assert list(whole_lines([])) == []

    def test_the_caller_hears_of_each_wait_for_more(self) -> None:
        seen: list[bytes | str] = []
        for line in whole_lines([b"one\ntwo\nthr", b"ee\n"], lambda: seen.append("wait")):
            seen.append(line)
        assert seen == [b"one\n", b"two\n", "wait", b"three\n", "wait"]

    def test_nothing_has_no_lines(self) -> None:
        assert list(whole_lines([b""])) == []

    @given(st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"x", b"\n"))))
    def test_have_each_byte_once(self, chunks: list[bytes]) -> None:
        lines = list(whole_lines(chunks))
        assert b"".join(lines) == b"".join(chunks)
        assert all(line.endswith(b"\n") for line in lines[:-1])
        assert all(line.count(b"\n") <= 1 for line in lines)

    def test_come_as_soon_as_they_are_whole(self) -> None:
        def chunks() -> Iterator[bytes]:
            yield b"first\nsec"
            raise AssertionError("the second chunk was read before the first line was used")

        assert next(whole_lines(chunks())) == b"first\n"


class TestTail:
    def test_keeps_the_end_and_forwards_all(self) -> None:
        seen: list[bytes] = []
        tail = Tail(seen.append, limit_bytes=10)
        for piece in (b"aaaa", b"bbbb", b"cccc", b"dddd"):
            tail.write(piece)
        assert tail.text() == "bbccccdddd"
        assert b"".join(seen) == b"aaaabbbbccccdddd"

    def test_cuts_a_single_piece_and_takes_bytes_that_are_no_text(self) -> None:
        tail = Tail(None, limit_bytes=4)
        tail.write(b"0123456\xff")
        assert tail.text() == "456\ufffd"

    @given(st.lists(st.binary(max_size=9)), st.integers(1, 20))
    def test_is_the_end_of_all_output(self, pieces: list[bytes], limit: int) -> None:
        tail = Tail(None, limit_bytes=limit)
        for piece in pieces:
            tail.write(piece)
        assert tail.text() == b"".join(pieces)[-limit:].decode(errors="replace")

    def test_has_the_answer_to_a_request_alone(self) -> None:
        tail = Tail(None)
        tail.write(b"before ")
        assert tail.answer(lambda: tail.write(b"the stacks")) == "the stacks"
