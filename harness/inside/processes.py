"""Processes as the system knows them: lines to and fro, signalling, reaping, a flag that all see. Not what they run."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_CHUNK = 1 << 18


@dataclass(slots=True)
class Child:
    """A forked process and our end of the socket that it has. ``abort`` is what it said of its own end, if it did."""

    pid: int
    link: socket.socket
    buffer: bytes = b""
    abort: dict[str, Any] | None = None
    is_stopped: bool = False

    def lines(self) -> list[bytes] | None:
        """The lines that it has sent, each with its newline; ``None`` when there is no more for now. Raises ``EOFError`` when
        there will be none.
        """
        try:
            chunk = self.link.recv(_CHUNK)
        except BlockingIOError:
            return None
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise EOFError
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        return [line + b"\n" for line in lines]

    def say(self, line: bytes) -> None:
        """Send it *line*. Raises ``OSError`` where it has gone."""
        self.link.setblocking(True)
        self.link.sendall(line)
        self.link.setblocking(False)


class StopFlag:
    """One byte that every worker sees: set, it ends them after the running test."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def set(self) -> None:
        self._memory[0] = 1

    def is_set(self) -> bool:
        return self._memory[0] == 1


@contextlib.contextmanager
def child_signals() -> Iterator[tuple[int, int]]:
    """A pipe whose first end becomes readable when a child ends, or any signal comes. Its second end is the system's."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    old_handler = signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
    old_fd = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading, writing
    finally:
        signal.set_wakeup_fd(old_fd)
        signal.signal(signal.SIGCHLD, old_handler)
        os.close(reading)
        os.close(writing)


def has_ended(pid: int) -> bool:
    """Whether the child has ended; it is reaped then."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:  # it was reaped already
        return True


def signal_group(pid: int, signum: int) -> None:
    """Send a signal to the process group *pid*; nothing happens where there is none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signum)


def end_groups(pids: Sequence[int], patience_s: float) -> None:
    """End children that lead process groups, and their groups: by TERM, and by KILL after *patience_s* seconds."""
    for pid in pids:
        signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    for pid in pids:
        while not has_ended(pid):
            if time.monotonic() > deadline:
                signal_group(pid, signal.SIGKILL)
            time.sleep(0.01)
        signal_group(pid, signal.SIGKILL)


def signal_name(number: int) -> str:
    """``SIGSEGV`` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
