"""The host's conversation with the runner: messages in, lines of the journal out, both signed.

Owns the keys of a run, and what a runner's process must offer. ``container`` and ``child_process`` run that process;
``protocol.signatures`` has the format of the lines. Imports neither Docker nor Django.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from harness.host.launch.output import Tail
from harness.protocol import signatures
from harness.protocol.codec import encode_body
from harness.protocol.messages import Message

STACKS = signal.SIGUSR1
"""The signal by which the runner's process writes its stacks: its parent, or the container's first process, passes it on."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the runner. ``code`` is its exit status, or the negative number of the signal that ended it."""

    code: int
    oom_killed: bool = False


class Runner(AbstractContextManager["Runner"], Protocol):
    """The process that runs the tests, with its three streams. A context manager: on exit, it is gone.

    ``stderr`` is its standard error so far, with whatever its standard output has beside the journal.
    """

    stderr: Tail

    def write(self, data: bytes) -> None:
        """Write to its standard input. *data* is dropped once it reads no more: its end explains more. From any thread."""

    def lines(self) -> Iterator[bytes]:
        """The lines of its standard output as they come, each with its newline, until it ends; a torn last line has none.

        To be called once.
        """

    def close_stdin(self) -> None:
        """Close its standard input, so that it reads the end of file."""

    def stop(self, grace_s: float) -> None:
        """Ask it to end (SIGTERM), and end it after *grace_s* seconds."""

    def kill(self) -> None:
        """End it at once, without a message: its own report of the end is not wanted."""

    def wait(self, deadline_s: float) -> Ended:
        """Its exit status. Raises ``ServerError`` if it has not ended after *deadline_s* seconds."""

    def is_stopped(self) -> bool:
        """Whether it is stopped or paused, and may go on. False where that cannot be found out."""

    def stacks(self) -> str:
        """The stacks of its threads, which it writes on request; empty if it does not answer."""

    def fetch(self, path: str) -> bytes:
        """A tar of its file or folder *path*, also after its end. Raises ``FileNotFoundError``."""


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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.runner.__exit__(kind, error, trace)

    def send(self, message: Message) -> None:
        """Send *message*. Any thread may call this."""
        with self._sending:
            self.runner.write(signatures.signed(self._message_key, self._sent, encode_body(message).encode()))
            self._sent += 1

    def lines(self) -> Iterator[bytes]:
        """The lines of the journal as they come, until the runner ends; a torn last line has no newline.

        To be called once. Lines without the key are output, and go to ``runner.stderr``.
        """
        opener = signatures.Opener(self._journal_key, self.runner.stderr.write)
        for line in self.runner.lines():
            if (whole := opener.open(line)) is not None:
                yield whole
        if opener.rest:
            yield opener.rest
