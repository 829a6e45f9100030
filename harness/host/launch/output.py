"""The output of a runner: its lines, and the end of its standard error."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

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
