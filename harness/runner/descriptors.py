"""File descriptors that the harness has open in the processes of tests, and files in memory that those processes share."""

from __future__ import annotations

import fcntl
import mmap
import os
import resource

from . import unpatched
from .text import cut

FILE_CHARACTERS = 100_000
_FILE_BYTES = 400_000
_HIGHEST_FD = 1024


def duplicate_high(fd: int) -> int:
    """Duplicate *fd* under a high number, which a test that writes to or closes guessed descriptors does not hit."""
    limit = unpatched.resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    ceiling = min(limit, _HIGHEST_FD) if limit > 0 else _HIGHEST_FD
    return unpatched.fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, ceiling - min(ceiling // 4, 256))


class Note:
    """A short text in memory that outlives the process that writes it; the next one replaces it."""

    def __init__(self) -> None:
        self._memory = unpatched.mmap.mmap(-1, mmap.PAGESIZE)

    def write(self, text: str) -> None:
        data = text.encode(errors="backslashreplace")[: mmap.PAGESIZE - 2]
        self._memory[: 2 + len(data)] = len(data).to_bytes(2, "big") + data

    def text(self) -> str:
        size = min(int.from_bytes(self._memory[:2], "big"), mmap.PAGESIZE - 2)
        return self._memory[2 : 2 + size].decode(errors="replace")

    def clear(self) -> None:
        self.write("")

    def close(self) -> None:
        """Unmap the memory in this process."""
        self._memory.close()


class MemoryFile:
    """A file without a name, in memory that outlives the process that writes to it. All processes that have it share its mark.

    ``lseek`` reads the size several times for each test. Moving the offset does no harm: every writer appends.
    """

    def __init__(self, name: str) -> None:
        low = unpatched.os.memfd_create(name, os.MFD_CLOEXEC)
        self.fd = duplicate_high(low)
        unpatched.os.close(low)
        # appending makes truncation safe while others (subprocesses) hold the descriptor
        unpatched.fcntl.fcntl(self.fd, fcntl.F_SETFL, os.O_APPEND)
        self._memory = unpatched.mmap.mmap(-1, mmap.PAGESIZE)
        self._mark = memoryview(self._memory).cast("Q")
        self.taken = 0
        """The offset up to which the tests' framework has taken the text, in this process alone."""

    def mark(self) -> None:
        """Make ``since_mark`` begin at the present end."""
        self._mark[0] = unpatched.os.lseek(self.fd, 0, os.SEEK_END)

    def since_mark(self) -> str:
        """The text behind the mark; its middle is left out if it is too long."""
        return self._read(self._mark[0])

    def take(self) -> str:
        """``since_mark``, and then ``mark``."""
        start, end = self._mark[0], unpatched.os.lseek(self.fd, 0, os.SEEK_END)
        if end == start:
            return ""
        taken = self._read(start)
        self.mark()
        return taken

    def text(self) -> str:
        """The text since the last ``clear``."""
        return self._read(0)

    def text_from(self, start: int) -> str:
        """The text behind the offset *start*; its middle is left out if it is too long."""
        return self._read(start)

    def clear(self) -> None:
        unpatched.os.ftruncate(self.fd, 0)
        self._mark[0] = self.taken = 0

    def close(self) -> None:
        """Close the file in this process."""
        unpatched.os.close(self.fd)
        self._mark.release()
        self._memory.close()

    def _read(self, start: int) -> str:
        size = max(0, unpatched.os.lseek(self.fd, 0, os.SEEK_END) - start)
        half = _FILE_BYTES // 2
        if size <= _FILE_BYTES:
            data = unpatched.os.pread(self.fd, size, start)
        else:
            first, last = (unpatched.os.pread(self.fd, half, at) for at in (start, start + size - half))
            data = first + f"\n[... {size - 2 * half} bytes left out ...]\n".encode() + last
        return cut(data.decode(errors="backslashreplace"), FILE_CHARACTERS)
