"""The host's connection to the runner, in a container or a child process: messages in, lines out. ``processes`` has both.

Owns the interface and what both share. Imports neither Docker nor Django.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from harness.protocol.messages import Message

STDERR_TAIL_BYTES = 64 << 10
"""The number of bytes at the end of the runner's standard error that are kept for evidence."""
ANSWER_S = 5.0
_MOMENT_S = 0.25


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the runner. ``code`` is its exit status, or the negative number of the signal that ended it."""

    code: int
    oom_killed: bool = False


class Conversation(Protocol):
    """The host's connection to the runner. A context manager: on exit, the runner is gone."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, message: Message) -> None:
        """Send *message*. It is dropped if the runner no longer reads: how it ended explains more. Any thread may call this."""

    def lines(self) -> Iterator[bytes]:
        """The lines of the runner's standard output as they come, each with its newline, until it ends.

        A torn last line has no newline. To be called once.
        """

    def stderr_tail(self) -> str:
        """The end of the runner's standard error so far."""

    def close_stdin(self) -> None:
        """Close the runner's standard input, so that it reads the end of file."""

    def stop(self, grace_s: float) -> None:
        """Ask the runner to end (SIGTERM), and end it after *grace_s* seconds."""

    def kill(self) -> None:
        """End the runner at once, without a message: its own report of the end is not wanted."""

    def wait(self, deadline_s: float) -> Ended:
        """The exit status of the runner. Raises ``ServerError`` if it has not ended after *deadline_s* seconds."""

    def is_stopped(self) -> bool:
        """Whether the runner is stopped or paused, and may go on. False where that cannot be found out."""

    def stacks(self) -> str:
        """The stacks of the runner's threads, which its process writes on request; empty where it does not answer."""

    def fetch(self, path: str) -> bytes:
        """A tar of the runner's file or folder *path*, also after its end. Raises ``FileNotFoundError``."""


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
        with self._lock:
            return b"".join(self._pieces)[-self._limit_bytes :].decode(errors="replace")

    def answer(self, ask: Callable[[], None]) -> str:
        """The bytes written after *ask*, until no more come for a moment."""
        self._since_asked = 0
        ask()
        seen = -1
        for _ in range(int(ANSWER_S / _MOMENT_S)):
            time.sleep(_MOMENT_S)
            if seen == self._since_asked > 0:
                break
            seen = self._since_asked
        with self._lock:
            return b"".join(self._pieces)[-self._since_asked :].decode(errors="replace") if self._since_asked else ""


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in *chunks*, each with its newline; a torn last line has none."""
    pieces: list[bytes] = []
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield b"".join((*pieces, end, b"\n"))
            pieces.clear()
        if rest:
            pieces.append(rest)
    if pieces:
        yield b"".join(pieces)
