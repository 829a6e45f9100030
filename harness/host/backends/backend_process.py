"""One run of several: the process that ``fleet`` starts for each backend.

Owns ``RunRequest``, the request on the first line of its standard input; the end of that input means that the parent is gone.
It prints nothing: the parent shows its journal.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from harness.errors import HarnessError
from harness.host.config.load import load
from harness.host.run.environment import read_environment
from harness.host.run.session import run_ci
from harness.protocol import codec
from harness.protocol.events import RunAborted
from harness.report.model.typed_command import TypedCommand


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The parent's request. ``flags`` are those of its own command line, by their keys, with this run's values in their
    place.

    ``command`` is the command line that repeats this run alone.
    """

    flags: Mapping[str, object]
    artifacts_root: str
    command: TypedCommand

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def from_line(line: bytes) -> RunRequest:
        content = json.loads(line)
        typed = TypedCommand(**{name: tuple(words) for name, words in content["command"].items()})
        return RunRequest(content["flags"], content["artifacts_root"], typed)


def main() -> int:
    """Make the run that the request asks for and return its exit code.

    An error from before the journal exists is written to the last line of the error stream, as the event that a journal
    would have.
    """
    request = RunRequest.from_line(_read_line())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        config = load(request.flags, os.environ, Path.cwd())
        config = replace(config, artifacts_root=Path(request.artifacts_root))
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            environment = read_environment(config, os.environ, nowhere, is_command=True)
            environment = replace(environment, is_github=False, step_summary=None, command=request.command)
            return run_ci(config, environment)
    except Exception as error:  # noqa: BLE001 - an unexpected exception is a bug of ours, and must not look like a red test
        abort = HarnessError.of(error)
        sys.stderr.write(codec.encode_body(RunAborted(abort.exit_code, abort.message, abort.hint, abort.evidence)))
        return abort.exit_code


def reported_error(errors: str) -> RunAborted | None:
    """The error that a child wrote to its error stream before it ended; ``None`` if there is none."""
    try:
        event = codec.decode_body(errors.rstrip("\n").rpartition("\n")[2])
    except codec.CodecError:
        return None
    return event if isinstance(event, RunAborted) else None


def _read_line() -> bytes:
    # byte by byte from the descriptor: the waiting thread would hold a buffer's lock for ever
    line = bytearray()
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return bytes(line)


def _end_with_the_parent() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
