"""Finds the processes below a process by their parents in ``/proc``, whatever group or session they have moved to.

Owns how they are signalled and ended. Without ``/proc``, process groups are used.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from .. import unpatched

PATIENCE_S = 5.0
"""Seconds that a process may take to end after SIGKILL: one that waits for a disk does not end at once."""
_PAUSE_S = 0.005


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine or container: its parent, and whether it has ended and waits to be reaped."""

    parent: int
    is_zombie: bool


def snapshot() -> dict[int, Process]:
    """The visible processes by their ids; empty where there is no ``/proc``."""
    found: dict[int, Process] = {}
    with contextlib.suppress(OSError):
        for name in unpatched.os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    fd = unpatched.os.open(f"/proc/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
                    try:
                        state, parent = unpatched.os.read(fd, 4096).rpartition(b")")[2].split()[:2]
                    finally:
                        unpatched.os.close(fd)
                    found[int(name)] = Process(int(parent), state in (b"Z", b"X"))
    return found


def below(roots: Iterable[int], processes: Mapping[int, Process]) -> set[int]:
    """The ids in *processes* below *roots*, without these."""
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        new = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(new)
        waiting += new
    return found


def children_of(pid: int, processes: Mapping[int, Process]) -> set[int]:
    """The children of *pid*."""
    return {child for child, process in processes.items() if process.parent == pid}


def send(pid: int, signum: int) -> None:
    """Send a signal to *pid* and all below it."""
    processes = snapshot()
    if not processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            unpatched.os.killpg(pid, signum)
    for each in (pid, *below([pid], processes)):
        _signal(each, signum)


def end(roots: Collection[int]) -> None:
    """Kill *roots* and all below them. They are stopped first, so that none of them starts another process meanwhile."""
    if not snapshot():
        for pid in roots:
            send(pid, signal.SIGKILL)
        return
    deadline = unpatched.time.perf_counter() + PATIENCE_S
    known = set(roots)
    while unpatched.time.perf_counter() < deadline:
        stopped: set[int] = set()
        while fresh := _living(known) - stopped:
            for pid in fresh:
                _signal(pid, signal.SIGSTOP)
            stopped |= fresh
        if not stopped:
            return
        known |= stopped  # children of a process that has ended have another parent now
        for pid in stopped:
            _signal(pid, signal.SIGKILL)
        unpatched.time.sleep(_PAUSE_S)


def _living(roots: Collection[int]) -> set[int]:
    processes = snapshot()
    every = {*below(roots, processes), *roots}
    return {pid for pid in every if pid in processes and not processes[pid].is_zombie}


def _signal(pid: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        unpatched.os.kill(pid, signum)
