"""The command's requests to the processes of its runs, and how it reads their ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode
from harness.host.backends.backend_process import RunRequest, reported_error
from harness.host.backends.fleet import exit_code_of
from harness.protocol import codec
from harness.protocol.events import Notice, RunAborted
from harness.report.model.typed_command import TypedCommand

REPOSITORY = Path(__file__).parents[4]
REQUEST = RunRequest(
    {"db": ["sqlite"], "project": "x", "failfast": True},
    "/out",
    TypedCommand(("harness", "ci", "--db", "sqlite"), ("x",)),
)
ABORT = RunAborted(ExitCode.USAGE, "Not so.", "But so.", "a\nb")


def test_a_request_arrives_as_it_was_sent() -> None:
    assert RunRequest.from_line(REQUEST.to_line()) == REQUEST
    assert REQUEST.to_line().count(b"\n") == 1


@pytest.mark.parametrize(("status", "code"), [(0, 0), (1, 1), (143, 143), (-9, 70), (-11, 70), (99, 70)])
def test_the_status_of_a_killed_process_is_an_internal_error(status: int, code: int) -> None:
    assert exit_code_of(status) == code


def test_the_reported_error_is_the_last_line() -> None:
    assert reported_error("warning: x\n" + codec.encode_body(ABORT)) == ABORT
    assert reported_error("Traceback ...\nMemoryError") is None
    assert reported_error(codec.encode_body(Notice("a", "b"))) is None
    assert reported_error("") is None


def child(folder: Path, flags: Any, **variables: str) -> tuple[int, bytes, RunAborted | None]:
    """The end of a process that gets a request with *flags*: its status, its output and the error that it reports."""
    request = RunRequest(flags, str(folder / "out"), TypedCommand(("harness", "ci")))
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.host.backends.backend_process"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(request.to_line())
    process.stdin.flush()  # and left open until it has ended: its end says that the parent is gone
    process.wait(60)
    out, errors = process.communicate()
    return process.returncode, out, reported_error(errors.decode())


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\n')
    request = RunRequest(
        {"project": str(tmp_path), "artifacts": str(tmp_path / "out")}, str(tmp_path), TypedCommand(("harness", "ci"))
    )
    program = (
        "import time; from harness.host.backends import backend_process as it;"
        " it.run_ci = lambda *_: time.sleep(60); it.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        input=request.to_line(),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        timeout=30,
    )
    assert ended.returncode == -signal.SIGTERM, ended.stderr


def test_an_error_before_the_journal_is_reported_in_full(tmp_path: Path) -> None:
    code, out, error = child(tmp_path, {"db": ["nonsense"], "project": str(tmp_path)})
    assert error is not None
    assert (code, error.exit_code) == (ExitCode.USAGE, ExitCode.USAGE)
    assert "unknown engine 'nonsense'" in error.message
    assert error.hint
    assert out == b""


def test_an_unexpected_error_is_a_bug_with_its_traceback(tmp_path: Path) -> None:
    code, _, error = child(tmp_path, None)
    assert error is not None
    assert code == ExitCode.INTERNAL
    assert error.message.startswith("A bug in the harness: ")
    assert "Traceback (most recent call last)" in error.evidence
