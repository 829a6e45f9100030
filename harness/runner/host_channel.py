"""The runner's two channels: the journal on the real standard output, the host's messages on the real standard input.

Owns both descriptors and the run's keys. After ``open_channels`` no print of the project can reach the journal, no test can
read the host's messages from these descriptors, and lines that a test writes to the streams by other ways lack the key.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import mmap
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from ..errors import ExitCode, HarnessError, Interrupted
from ..protocol import codec, signatures
from ..protocol.events import Envelope, Event, Notice, PhaseFinished, PhaseStarted
from ..protocol.messages import Message, ServerActionDone, Stop
from . import unpatched
from .descriptors import duplicate_high

M = TypeVar("M")

INTERRUPTS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGIO})
"""The signals whose handlers raise ``Interrupted``."""
BEAT_S = 5.0
"""Seconds without an event, while tests run, after which a sign of life is written; see ``host.launch.liveness``."""


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Block the signals in ``INTERRUPTS``; they are delivered after the block. A child forked inside starts with them blocked."""
    before = unpatched.signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        unpatched.signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Journal:
    """Writes events, numbered and with a time, one line each, behind the key that marks them as the coordinator's."""

    def __init__(self, fd: int, key: memoryview) -> None:
        self.fd = fd
        self._key = key
        self._seq = 0
        self._phases: dict[str, float] = {}
        self._written_at = 0.0
        self._gathered: list[bytes] | None = None

    @contextlib.contextmanager
    def gathered(self) -> Iterator[None]:
        """Write the events of the block together, at its end: one write takes as long as ten events."""
        self._gathered = []
        try:
            yield
        finally:
            lines, self._gathered = self._gathered, None
            if lines:
                self._write_lines(lines)

    def write(self, event: Event, slot: int = 0) -> None:
        """Append one event and flush it."""
        self._seq += 1
        envelope = Envelope(codec.VERSION, self._seq, unpatched.epoch_s(), slot, event)
        self._write_lines([codec.encode(envelope).encode()])

    def forward(self, stamped: Sequence[tuple[bytes, int, Iterable[str]]]) -> None:
        """Append events that workers encoded in one write, each with its slot and the flags that ``codec.stamp`` adds."""
        if not stamped:
            return
        now = unpatched.epoch_s()
        lines = []
        for body, slot, flags in stamped:
            self._seq += 1
            lines.append(codec.stamp(body, self._seq, now, slot, flags))
        self._write_lines(lines)

    def forget(self) -> None:
        """Close the channel in a fork, where the key's memory is not mapped (``MADV_DONTFORK``) and cannot be read."""
        unpatched.os.close(self.fd)
        self._key.release()

    def beat(self) -> None:
        """Write an empty line as a sign of life, if nothing was written for ``BEAT_S``."""
        if unpatched.time.perf_counter() - self._written_at > BEAT_S:
            self._write_lines([b"\n"])

    def notice(self, code: str, text: str) -> None:
        self.write(Notice(code, text))

    def start_phase(self, phase: str) -> None:
        self._phases[phase] = unpatched.time.perf_counter()
        self.write(PhaseStarted(phase))

    def finish_phase(self, phase: str) -> bool:
        """End *phase* if it has begun; else do nothing. Returns whether it had begun."""
        if (start := self._phases.pop(phase, None)) is not None:
            self.write(PhaseFinished(phase, round(unpatched.time.perf_counter() - start, 6)))
        return start is not None

    def finish_phases(self) -> None:
        for phase in list(self._phases):
            self.finish_phase(phase)

    def _write_lines(self, lines: list[bytes]) -> None:
        if self._gathered is not None:
            self._gathered += lines
            return
        parts: list[memoryview | bytes] = []  # the key is never copied into Python's own memory, which forks inherit
        size = 0
        with interrupts_blocked():  # half a line would spoil the next
            for piece in itertools.chain.from_iterable(map(signatures.pieces, lines)):
                if size + signatures.KEY_BYTES + len(piece) > signatures.PIECE_BYTES:
                    _write_all(self.fd, parts)
                    parts, size = [], 0
                parts += (self._key, piece)
                size += signatures.KEY_BYTES + len(piece)
            _write_all(self.fd, parts)
        self._written_at = unpatched.time.perf_counter()


class StoppedByHost(Interrupted):
    """The host sent ``Stop``; its reason is in the journal already."""


class HostMessages:
    """Reads the host's messages. ``Stop``, or end of file (the host is gone), interrupts the main thread.

    ``has_host`` is whether the host still listens, ``interruption`` the one that was raised or recorded, if any.

    Input is signal-driven (SIGIO): with a reader thread, every worker would be forked from a process with threads, which
    Python warns of and which can deadlock.
    """

    def __init__(self, fd: int, key: memoryview) -> None:
        self.fd = fd
        self._key = key
        self._received = 0
        self._buffer = b""
        self._waiting: list[Message] = []
        self._answers: list[ServerActionDone] = []
        self.has_host = True
        self.interruption: Interrupted | None = None
        self._is_deferred = self._is_reading = self._has_more = False
        unpatched.os.set_blocking(fd, False)

    def interrupt(self, error: Interrupted) -> None:
        """Raise *error*, or record it while ``deferred``. Later interruptions are ignored while the run ends."""
        if self.interruption is not None:
            return
        for signum in INTERRUPTS:
            unpatched.signal.signal(signum, signal.SIG_IGN)
        self.interruption = error
        if not self._is_deferred:
            raise error

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Record an interruption inside the block instead of raising it, so that no step is cut off half-way."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False

    def forget(self) -> None:
        """Close the channel in a fork, like ``Journal.forget``."""
        unpatched.os.close(self.fd)
        self._key.release()

    def check(self) -> None:
        """Raise the recorded ``Interrupted`` again: the project's code may have caught it."""
        if self.interruption is not None:
            raise self.interruption

    def watch(self) -> None:
        """Make ``Stop`` and end of file raise ``Interrupted`` in the main thread from now on."""
        unpatched.signal.signal(signal.SIGIO, lambda _signum, _frame: self._read())
        unpatched.fcntl.fcntl(self.fd, fcntl.F_SETOWN, unpatched.os.getpid())
        unpatched.fcntl.fcntl(self.fd, fcntl.F_SETFL, unpatched.fcntl.fcntl(self.fd, fcntl.F_GETFL) | os.O_ASYNC)
        self._read()

    def expect(self, kind: type[M]) -> M:
        """The next message, which must be a *kind*. Raises ``Interrupted`` for ``Stop`` and for end of file."""
        self.check()
        while not self._waiting:
            if self.has_host:
                unpatched.select.select([self.fd], [], [])
            with interrupts_blocked():
                self._read()
        message = self._waiting.pop(0)
        if not isinstance(message, kind):
            raise HarnessError(f"The host sent {type(message).__name__} where {kind.__name__} was due.")
        return message

    def take_answers(self) -> list[ServerActionDone]:
        """The answers to workers that have come since the last call."""
        if not self._answers:
            return []
        with interrupts_blocked():
            answers, self._answers = self._answers, []
        return answers

    def _read(self) -> None:
        """Read what is there. A signal in the middle calls this again: its part is read after the rest of the first."""
        self._has_more = True
        if self._is_reading:
            return
        self._is_reading = True
        try:
            while self._has_more:
                self._has_more = False
                self._read_lines()
        finally:
            self._is_reading = False

    def _read_lines(self) -> None:
        while True:
            try:
                chunk = unpatched.os.read(self.fd, 65536)
            except BlockingIOError:
                break
            if not chunk:
                self.has_host = False
                self.interrupt(Interrupted("The connection to the host has ended.", ExitCode.SERVERS))
                break
            *lines, self._buffer = (self._buffer + chunk).split(b"\n")
            for line in lines:
                if (message := signatures.message_of(self._key, self._received, line + b"\n")) is not None:
                    self._received += 1
                    self._take(codec.decode_body(message))

    def _take(self, message: Any) -> None:
        if isinstance(message, ServerActionDone):
            self._answers.append(message)
            return
        if isinstance(message, Stop):
            self.interrupt(StoppedByHost(message.reason, message.exit_code))
        self._waiting.append(message)


def open_channels() -> tuple[Journal, HostMessages]:
    """Take the real standard output and input for the two channels.

    Afterwards descriptor 1 goes where 2 goes (the host keeps the end of it as evidence), and descriptor 0 reads nothing.
    """
    keys = _read_keys(0)
    journal_fd, messages_fd = duplicate_high(1), duplicate_high(0)
    unpatched.os.dup2(2, 1)
    null = unpatched.os.open(os.devnull, os.O_RDONLY)
    unpatched.os.dup2(null, 0)
    unpatched.os.close(null)
    return Journal(journal_fd, keys[: signatures.KEY_BYTES]), HostMessages(messages_fd, keys[signatures.KEY_BYTES :])


def _read_keys(fd: int) -> memoryview:
    """Read the two keys from the first line into memory that forks do not inherit."""
    memory = unpatched.mmap.mmap(-1, mmap.PAGESIZE)
    memory.madvise(mmap.MADV_DONTFORK)
    keys = memoryview(memory)[: 2 * signatures.KEY_BYTES]
    left, newline = keys, bytearray(1)
    while left and (size := unpatched.os.readv(fd, [left])):
        left = left[size:]
    if not left:
        unpatched.os.readv(fd, [newline])
    return keys


def _write_all(fd: int, parts: list[memoryview | bytes]) -> None:
    """Write *parts*, at most ``PIECE_BYTES`` in all: in one write if *fd* is a pipe."""
    views = [memoryview(part) for part in parts]
    while views:
        written = unpatched.os.writev(fd, views)
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if views:
            views[0] = views[0][written:]
