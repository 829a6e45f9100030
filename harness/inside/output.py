"""What a worker's processes print, captured at the descriptors, apart for each slot and told apart for each test.

The files have no name and live in memory (``memfd_create``), so that they outlive a worker that dies: the coordinator has
them open too and reads what the dead one had printed.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import sys
from typing import Any

from . import real
from .channel import out_of_reach
from .failures import cut
from .trail import Trail

STREAM_CHARACTERS = 100_000
_STREAM_BYTES = 400_000


class Stream:
    """One captured stream. ``mark`` sets where the next ``taken`` begins; the mark is shared by all who have the stream.

    Its size is asked for several times of each test. The offset that this moves is nobody's: who writes here appends.
    """

    def __init__(self, name: str) -> None:
        low = real.os.memfd_create(name, os.MFD_CLOEXEC)
        self.fd = out_of_reach(low)
        real.os.close(low)
        # appending makes truncation safe while others (subprocesses) hold the descriptor
        real.fcntl.fcntl(self.fd, fcntl.F_SETFL, real.fcntl.fcntl(self.fd, fcntl.F_GETFL) | os.O_APPEND)
        self._memory = real.mmap.mmap(-1, mmap.PAGESIZE)
        self._mark = memoryview(self._memory).cast("Q")

    def mark(self) -> None:
        self._mark[0] = real.os.lseek(self.fd, 0, os.SEEK_END)

    def taken(self) -> str:
        """What was printed since the mark; the middle left out where it is too long."""
        size = real.os.lseek(self.fd, 0, os.SEEK_END) - self._mark[0]
        return self._read(self._mark[0], size) if size > 0 else ""

    def everything(self) -> str:
        """What was printed since the last ``clear``."""
        return self._read(0, real.os.lseek(self.fd, 0, os.SEEK_END))

    def clear(self) -> None:
        real.os.ftruncate(self.fd, 0)
        self._mark[0] = 0

    def close(self) -> None:
        """Let go of it in this process: it is another slot's."""
        real.os.close(self.fd)
        self._mark.release()
        self._memory.close()

    def _read(self, start: int, size: int) -> str:
        if size <= _STREAM_BYTES:
            data = real.os.pread(self.fd, size, start)
        else:
            half = _STREAM_BYTES // 2
            left_out = f"\n[... {size - 2 * half} bytes left out ...]\n".encode()
            data = real.os.pread(self.fd, half, start) + left_out + real.os.pread(self.fd, half, start + size - half)
        return cut(data.decode(errors="backslashreplace"), STREAM_CHARACTERS)


class Capture:
    """What of a slot outlives its worker: output, errors, faulthandler's stacks, the statements, and the servers' view."""

    def __init__(self, slot: int) -> None:
        self.stdout = Stream(f"slot-{slot}-stdout")
        self.stderr = Stream(f"slot-{slot}-stderr")
        self.stacks = Stream(f"slot-{slot}-stacks")
        self.sessions = Stream(f"slot-{slot}-sessions")
        self.trail = Trail()
        self._is_marked = False
        self._streams: list[Any] = [None, None]

    def redirect(self) -> None:
        """From now on descriptors 1 and 2 of this process, and of those that it starts, are captured."""
        flush(sys.stdout, sys.stderr)
        self._point()
        self._streams = [sys.stdout, sys.stderr]
        self._mend()
        # what a killed process has in its buffers is lost: often the line that tells why
        if isinstance(self._streams[0], real.io.TextIOWrapper):
            self._streams[0].reconfigure(line_buffering=True)

    @property
    def streams(self) -> tuple[Any, Any]:
        """What ``sys.stdout`` and ``sys.stderr`` are where no test has replaced them."""
        return self._streams[0], self._streams[1]

    def flush(self) -> None:
        """Write what waits in Python's buffers. What a test has put in the place of a stream is not even asked."""
        flush(*self._streams, sys.__stdout__, sys.__stderr__)

    def _point(self) -> None:
        real.os.dup2(self.stdout.fd, 1)
        real.os.dup2(self.stderr.fd, 2)

    def _mend(self) -> None:
        """Make streams anew that a test has closed: the next one prints too."""
        if not (_is_open(1) and _is_open(2)):  # a file of the next test's would get their number
            self._point()
        for index, name in enumerate(("stdout", "stderr")):
            stream = self._streams[index]
            if _is_closed(stream):
                self._streams[index] = real.io.open(
                    index + 1, "w", buffering=1, errors="backslashreplace", closefd=False
                )
                if getattr(sys, name) is stream:
                    setattr(sys, name, self._streams[index])

    def begin(self) -> None:
        """What is printed from here on belongs to what begins. Right after an ``end`` nothing has been printed meanwhile."""
        if not self._is_marked:
            self.flush()
            self._mark()
        self._is_marked = False

    def end(self) -> tuple[str, str]:
        """What was printed since the beginning: output and errors."""
        self.flush()
        taken = self.stdout.taken(), self.stderr.taken()
        self._mark()
        self._is_marked = True
        return taken

    def _mark(self) -> None:
        self._mend()
        for stream in (self.stdout, self.stderr, self.stacks):
            stream.mark()

    def clear(self) -> None:
        self.flush()
        for stream in (self.stdout, self.stderr, self.stacks, self.sessions):
            stream.clear()
        self.trail.clear()

    def close(self) -> None:
        """Let go of it in this process: it is another slot's, whose evidence no test here may change."""
        for stream in (self.stdout, self.stderr, self.stacks, self.sessions):
            stream.close()
        self.trail.close()


def _is_open(fd: int) -> bool:
    try:
        real.fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _is_closed(stream: object) -> bool:
    try:
        return isinstance(stream, real.io.TextIOWrapper) and stream.closed
    except ValueError:  # detached from its file
        return True


def flush(*streams: object) -> None:
    """Flush those of *streams* that are Python's own; a test's stand-in is not even asked, and may do anything."""
    for stream in streams:
        if isinstance(stream, real.io.TextIOWrapper):
            with contextlib.suppress(Exception):  # a test closed it: what it printed went elsewhere
                real.io.flush(stream)
