"""What a worker's processes print, captured at the descriptors, apart for each slot and told apart for each test.

The files have no name and live in memory (``memfd_create``), so that they outlive a worker that dies: the coordinator has
them open too and reads what the dead one had printed.
"""

from __future__ import annotations

import fcntl
import io
import mmap
import os
import sys

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

    def redirect(self) -> None:
        """From now on descriptors 1 and 2 of this process, and of those that it starts, are captured."""
        _flush()
        real.os.dup2(self.stdout.fd, 1)
        real.os.dup2(self.stderr.fd, 2)
        # what a killed process has in its buffers is lost: often the line that tells why
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)

    def begin(self) -> None:
        """What is printed from here on belongs to what begins. Right after an ``end`` nothing has been printed meanwhile."""
        if not self._is_marked:
            _flush()
            self._mark()
        self._is_marked = False

    def end(self) -> tuple[str, str]:
        """What was printed since the beginning: output and errors."""
        _flush()
        taken = self.stdout.taken(), self.stderr.taken()
        self._mark()
        self._is_marked = True
        return taken

    def _mark(self) -> None:
        if not (_is_open(1) and _is_open(2)):  # a test closed them: a file of the next one's would get their number
            self.redirect()
        for stream in (self.stdout, self.stderr, self.stacks):
            stream.mark()

    def clear(self) -> None:
        _flush()
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


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # a test closed or replaced it; what it printed went elsewhere
