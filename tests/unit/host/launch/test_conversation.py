"""Signed messages and lines, with a real child process in the runner's place."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

from harness.errors import ExitCode
from harness.host.launch.child_process import ChildRunner
from harness.host.launch.conversation import Conversation, Ended
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
