"""Child processes of the coordinator: their signals, ending, reaping, and the stop flag. Knows nothing of tests."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import signal
from collections.abc import Collection, Iterator, Sequence

from .. import unpatched
from . import tree

_F_SEAL_FUTURE_WRITE = 0x10  # fcntl has its name from Python 3.13 on
_READ_ONLY = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | _F_SEAL_FUTURE_WRITE
"""Seals that leave a file writable only through mappings that could write already."""


class StopFlag:
    """A byte for each slot, and one for all: a byte that is set ends the workers after the running test.

    The coordinator writes it, and workers have a read-only mapping of it, so that no test can stop other workers.
    """

    def __init__(self) -> None:
        fd = unpatched.os.memfd_create("stop", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            unpatched.os.ftruncate(fd, mmap.PAGESIZE)
            self._memory = unpatched.mmap.mmap(fd, mmap.PAGESIZE)
            self._memory.madvise(mmap.MADV_DONTFORK)
            with contextlib.suppress(OSError):  # Linux before 5.1
                unpatched.fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _READ_ONLY)
            self._seen = unpatched.mmap.mmap(fd, mmap.PAGESIZE, prot=mmap.PROT_READ)
        finally:
            unpatched.os.close(fd)

    def forget(self) -> None:
        """Close the coordinator's writable mapping in a fork."""
        self._memory.close()

    def set(self, slot: int = 0) -> None:
        self._memory[slot] = 1

    def clear(self, slot: int) -> None:
        self._memory[slot] = 0

    def is_set(self, slot: int) -> bool:
        """Whether the worker of *slot* is to stop."""
        return self._seen[0] == 1 or self._seen[slot] == 1


@contextlib.contextmanager
def child_signals() -> Iterator[tuple[int, int]]:
    """A pipe whose first end becomes readable when a child ends, or any signal arrives. Python's signal handling writes to the
    second.
    """
    reading, writing = unpatched.os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    old_handler = unpatched.signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
    old_fd = unpatched.signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading, writing
    finally:
        unpatched.signal.set_wakeup_fd(old_fd)
        unpatched.signal.signal(signal.SIGCHLD, old_handler)
        unpatched.os.close(reading)
        unpatched.os.close(writing)


def has_ended(pid: int) -> bool:
    """Whether the child has ended; if so, it is reaped."""
    try:
        return unpatched.os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:  # it was reaped already
        return True


def kill_child(pid: int) -> None:
    unpatched.os.kill(pid, signal.SIGKILL)
    unpatched.os.waitpid(pid, 0)


def end_children(pids: Sequence[int], patience_s: float) -> None:
    """End children and all below them: by TERM, and by KILL after *patience_s* seconds."""
    for pid in pids:
        tree.send(pid, signal.SIGTERM)
    deadline = unpatched.time.perf_counter() + patience_s
    late = list(pids)
    while (late := [pid for pid in late if not has_ended(pid)]) and unpatched.time.perf_counter() < deadline:
        unpatched.time.sleep(0.01)
    tree.end(late)
    for pid in late:
        unpatched.os.waitpid(pid, 0)


class Strays:
    """Children of this process that it did not start itself: processes that workers left behind when they ended.

    Children present at the beginning are the project's, and are left alone.
    """

    def __init__(self) -> None:
        self._own = tree.children_of(unpatched.os.getpid(), tree.snapshot())

    def end(self, known: Collection[int]) -> None:
        """End all but *known* ones, with all below them, and reap them."""
        deadline = unpatched.time.perf_counter() + tree.PATIENCE_S
        while unpatched.time.perf_counter() < deadline:
            strays = tree.children_of(unpatched.os.getpid(), tree.snapshot()) - self._own - set(known)
            if not strays:
                return
            tree.end(strays)
            for pid in strays:
                has_ended(pid)


def signal_name(number: int) -> str:
    """``SIGSEGV`` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
