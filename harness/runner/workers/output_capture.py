"""Captures the output of a worker's processes at the descriptors, separately for each slot and each test.

The files have no name and live in memory (``memfd_create``), so that they outlive a worker that dies: the coordinator has them
open too, and reads the dead worker's output.
"""

from __future__ import annotations

import contextlib
import fcntl
import sys
from typing import Any

from .. import unpatched
from ..descriptors import MemoryFile, Note
from ..sql.crash_safe_log import CrashSafeLog


class Capture:
    """A slot's evidence, which outlives its worker: output, errors, faulthandler's stacks, statements, server sessions."""

    def __init__(self, slot: int) -> None:
        self.stdout = MemoryFile(f"slot-{slot}-stdout")
        self.stderr = MemoryFile(f"slot-{slot}-stderr")
        self.stacks = MemoryFile(f"slot-{slot}-stacks")
        self.sessions = MemoryFile(f"slot-{slot}-sessions")
        self.crash_log = CrashSafeLog()
        self.note = Note()
        """The part of the running test that runs, as its framework notes it."""
        self._parts = (self.stdout, self.stderr, self.stacks, self.sessions, self.crash_log, self.note)
        self._is_marked = False
        self._streams: list[Any] = [None, None]

    def redirect(self) -> None:
        """Capture descriptors 1 and 2 of this process, and of the processes that it starts, from now on."""
        flush(sys.stdout, sys.stderr)
        self._point()
        self._streams = [sys.stdout, sys.stderr]
        self.mend()
        # a killed process loses its buffers, and often the line that says why
        if isinstance(self._streams[0], unpatched.io.TextIOWrapper):
            self._streams[0].reconfigure(line_buffering=True)

    @property
    def streams(self) -> tuple[Any, Any]:
        """``sys.stdout`` and ``sys.stderr`` as they are where no test has replaced them."""
        return self._streams[0], self._streams[1]

    def flush(self) -> None:
        """Flush Python's buffers. A test's replacement of a stream is not called."""
        flush(*self._streams)
        if sys.__stdout__ is not self._streams[0] or sys.__stderr__ is not self._streams[1]:
            flush(sys.__stdout__, sys.__stderr__)

    def _point(self) -> None:
        unpatched.os.dup2(self.stdout.fd, 1)
        unpatched.os.dup2(self.stderr.fd, 2)

    def mend(self) -> None:
        """Open streams again that a test has closed, so that the next test can print."""
        if not (_is_open(1) and _is_open(2)):  # else a file that the next test opens gets their number
            self._point()
        for index, name in enumerate(("stdout", "stderr")):
            stream = self._streams[index]
            if _is_closed(stream):
                self._streams[index] = unpatched.io.open(
                    index + 1, "w", buffering=1, errors="backslashreplace", closefd=False
                )
                if getattr(sys, name) is stream:
                    setattr(sys, name, self._streams[index])

    def begin(self) -> None:
        """Assign the output from here on to the test or fixture that begins."""
        if not self._is_marked:  # after an ``end`` the mark is right
            self.flush()
            self._mark()
        self._is_marked = False

    def end(self) -> tuple[str, str]:
        """The output since the beginning: stdout and stderr."""
        self.flush()
        taken = self.stdout.take(), self.stderr.take()
        self.mend()
        self.stacks.mark()
        self._is_marked = True
        return taken

    def _mark(self) -> None:
        self.mend()
        for file in (self.stdout, self.stderr, self.stacks):
            file.mark()

    def clear(self) -> None:
        self.flush()
        for part in self._parts:
            part.clear()

    def close(self) -> None:
        """Close the capture of another slot in this process, whose tests must not change it."""
        for part in self._parts:
            part.close()


def _is_open(fd: int) -> bool:
    try:
        unpatched.fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _is_closed(stream: object) -> bool:
    try:
        return isinstance(stream, unpatched.io.TextIOWrapper) and stream.closed
    except ValueError:  # detached from its file
        return True


def flush(*streams: object) -> None:
    """Flush those of *streams* that are Python's own; a test's replacement is not called, since it may run any code."""
    for stream in streams:
        if isinstance(stream, unpatched.io.TextIOWrapper):
            with contextlib.suppress(Exception):  # a test closed it: nothing is left to flush
                unpatched.io.TextIOWrapper.flush(stream)
