"""What the host has with inside, whichever way inside runs: messages in, lines out. ``host.runner`` has the two ways.

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

from harness.contract.runspec import Message

STDERR_TAIL_BYTES = 64 << 10
"""How much of the end of inside's standard error is kept for evidence."""
ANSWER_S = 5.0
_MOMENT_S = 0.25


@dataclass(frozen=True, slots=True)
class Ended:
    """How inside ended. ``code`` is its exit status, minus the signal's number where one ended it."""

    code: int
    oom_killed: bool = False


class Conversation(Protocol):
    """What the host has with inside. A context manager: when it is left, inside is gone."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, message: Message) -> None:
        """Say *message*. One that inside no longer hears is dropped: how it ended says more. Any thread may call it."""

    def lines(self) -> Iterator[bytes]:
        """The lines of inside's standard output as they come, each with its newline, until it ends.

        The last one has none where it was torn. To be called once.
        """

    def stderr_tail(self) -> str:
        """The end of what inside wrote to its standard error so far."""

    def close_stdin(self) -> None:
        """Let inside see the end of its input."""

    def stop(self, grace_s: float) -> None:
        """Ask inside to end (SIGTERM), and end it after *grace_s* seconds."""

    def kill(self) -> None:
        """End inside at once, and say nothing to it: what it would say of its end is not wanted."""

    def wait(self, deadline_s: float) -> Ended:
        """How it ended. Raises ``ServerError`` when it has not after *deadline_s* seconds."""

    def is_stopped(self) -> bool:
        """Whether it was stopped, or paused, and may go on. False where nobody can say."""

    def stacks(self) -> str:
        """What inside's process writes of the stacks of its threads when it is asked to; empty where it does not answer."""

    def fetch(self, path: str) -> bytes:
        """A tar of the file or folder *path* of inside's, also after its end. Raises ``FileNotFoundError``."""


class Tail:
    """The last bytes of a stream, handed on to *forward* as they come. Written by one thread, read by any."""

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
        """What is written after *ask*, until nothing more comes for a moment."""
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
    """The lines in *chunks*, each with its newline; the last has none where it was torn."""
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
