"""The host's conversation with the runner: messages in, lines of the journal out, both signed.

Owns the keys of a run, the interface of a runner's process, and which ends of it are errors. ``container`` and
``child_process`` run that process; ``protocol.signatures`` has the format of the lines. Imports neither Docker nor Django.
"""

from __future__ import annotations

import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from harness.errors import ExitCode, HarnessError, ServerError
from harness.protocol import signatures
from harness.protocol.codec import encode_body
from harness.protocol.events import RunAborted, RunFinished
from harness.protocol.messages import Message

ENTRY = "harness/runner/bootstrap.py"
"""The runner's entry point, relative to the folder that has the package."""
STACKS = signal.SIGUSR1
"""The signal by which the runner's process writes its stacks: its parent, or the container's first process, passes it on."""
STDERR_TAIL_BYTES = 64 << 10
"""The number of bytes at the end of the runner's standard error that are kept for evidence."""
ANSWER_S = 5.0
_QUIET_S = 0.25


class Tail:
    """The last bytes of a stream, each also passed to *forward* as it comes. Written by one thread, read by any."""

    def __init__(self, forward: Callable[[bytes], None] | None, limit_bytes: int = STDERR_TAIL_BYTES) -> None:
        self._forward = forward
        self._limit_bytes = limit_bytes
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._since_asked = 0
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        with self._lock:
            self._pieces.append(data)
            self._size += len(data)
            self._since_asked += len(data)
            while self._size - len(self._pieces[0]) >= self._limit_bytes:
                self._size -= len(self._pieces.popleft())
        if self._forward is not None:
            self._forward(data)

    def text(self) -> str:
        """The last bytes as text."""
        return self._last(self._limit_bytes)

    def answer(self, ask: Callable[[], None]) -> str:
        """The text that is written after *ask*, until no more comes for a moment; empty after ``ANSWER_S`` seconds."""
        self._since_asked = 0
        ask()
        seen = -1
        for _ in range(int(ANSWER_S / _QUIET_S)):
            time.sleep(_QUIET_S)
            if seen == self._since_asked > 0:
                break
            seen = self._since_asked
        return self._last(self._since_asked)

    def _last(self, size: int) -> str:
        with self._lock:
            return b"".join(self._pieces)[-size:].decode(errors="replace") if size else ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the runner. ``code`` is its exit status, or the negative number of the signal that ended it."""

    code: int
    oom_killed: bool = False


class Runner(ABC):
    """The process that runs the tests, with its three streams. A context manager: on exit, it is gone.

    ``stderr`` is its standard error so far, with all lines of its standard output that are not the journal's. *on_stderr* is
    called with both as they come.
    """

    def __init__(self, on_stderr: Callable[[bytes], None] | None) -> None:
        self.stderr = Tail(on_stderr)
        self._writing = threading.Lock()

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_exception: object) -> None: ...

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Write to its standard input. *data* is dropped once it reads no more: its end explains more. From any thread."""

    def lines(self, before_wait: Callable[[], object] = bool) -> Iterator[bytes]:
        """The lines of its standard output as they come, each with its newline, until it ends; a torn last line has none.

        To be called once. Its standard error is read meanwhile. *before_wait* is called before more output is read.
        """
        return whole_lines(self._stdout(), before_wait)

    @abstractmethod
    def close_stdin(self) -> None:
        """Close its standard input, so that it reads the end of file."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once. From any thread."""

    @abstractmethod
    def wait(self, deadline_s: float) -> Ended:
        """Its exit status. Raises ``ServerError`` if it has not ended after *deadline_s* seconds."""

    @abstractmethod
    def is_stopped(self) -> bool:
        """Whether it is stopped or paused, and may go on. False where that cannot be found out."""

    @abstractmethod
    def archive(self, path: str) -> Iterable[bytes] | None:
        """The file or folder *path* as a tar whose members begin with its name; ``None`` if it is not there.

        *path* is from the folder in which it was started. Raises ``ServerError`` when the engine refuses.
        """

    def stacks(self) -> str:
        """The stacks of its threads, which it writes on request; empty if it does not answer."""
        return self.stderr.answer(lambda: self._signal(STACKS))

    @abstractmethod
    def _signal(self, signum: int) -> None: ...

    @abstractmethod
    def _stdout(self) -> Iterator[bytes]:
        """Its standard output in pieces; its standard error goes to ``stderr``."""


class Conversation:
    """Signed messages to *runner*, and the lines of its journal. A context manager that starts and ends the runner.

    The keys are sent first, then each line carries its signature, so that tests cannot forge one.
    """

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._journal_key, self._message_key = signatures.make_key(), signatures.make_key()
        self._sent = 0
        self._sending = threading.Lock()

    def __enter__(self) -> Self:
        self.runner.__enter__()
        self.runner.write(self._journal_key + self._message_key + b"\n")
        return self

    def __exit__(self, *_exception: object) -> None:
        self.runner.__exit__(None, None, None)

    def send(self, message: Message) -> None:
        """Send *message*. Any thread may call this."""
        with self._sending:
            self.runner.write(signatures.signed(self._message_key, self._sent, encode_body(message).encode()))
            self._sent += 1

    def lines(self, before_wait: Callable[[], object] = bool) -> Iterator[bytes]:
        """The lines of the journal as they come, until the runner ends; a torn last line has no newline.

        To be called once. Lines without the key are output, and go to ``runner.stderr``. *before_wait* is called before more of
        the stream is read.
        """
        opener = signatures.Opener(self._journal_key, self.runner.stderr.write)
        for line in self.runner.lines(before_wait):
            if (whole := opener.open(line)) is not None:
                yield whole
        if opener.rest:
            yield opener.rest


def end_error(end: RunFinished | RunAborted | None, ended: Ended, stderr: str) -> HarnessError | None:
    """The error for a runner that *ended* without an *end* in its journal, or with another status than *end* asks for.

    *stderr* is the end of the runner's standard error. The exit code of the run comes from the outcomes in the journal
    (``report.model.verdict``): after ``RunFinished``, the runner's status is 0.
    """
    if end is not None:
        expected = end.exit_code if isinstance(end, RunAborted) else ExitCode.GREEN
        text = f"The runner reported {type(end).__name__} and then ended with status {ended.code}."
        return None if ended.code == expected else HarnessError(text, evidence=stderr)
    if ended.oom_killed:
        hint = "--parallel with fewer workers takes less; so does an engine that has more."
        return ServerError("The runner's container ran out of memory.", hint, stderr)
    if ended.code < 0:
        name = signal.Signals(-ended.code).name
        hint = "Another process did that, or the machine ran out of memory; run it again."
        return ServerError(f"The runner was ended by {name} before it reported the end of the run.", hint, stderr)
    hint = "The end of its error stream is part of this message; " if stderr else ""
    text = f"The runner ended with status {ended.code} before it reported the end of the run."
    return HarnessError(text, f"{hint}journal.ndjson has its last events.", stderr)


def whole_lines(chunks: Iterable[bytes], before_wait: Callable[[], object] = bool) -> Iterator[bytes]:
    """The lines in *chunks*, each with its newline; a torn last line has none. *before_wait* is called after each chunk."""
    pieces: list[bytes] = []
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield b"".join((*pieces, end, b"\n"))
            pieces.clear()
        if rest:
            pieces.append(rest)
        before_wait()
    if pieces:
        yield b"".join(pieces)
