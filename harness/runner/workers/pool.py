"""The processes of the workers: forked into their slots, examined, ended, and reaped with all that they leave behind.

Knows nothing of tests: ``coordinator`` decides, and reads the events.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from ...errors import ExitCode
from .. import unpatched
from ..host_channel import HostMessages, Journal, interrupts_blocked
from ..processes import tree
from ..processes.children import Strays, child_signals, end_children, has_ended, kill_child
from ..servers import sessions
from . import worker
from .output_capture import Capture, flush

TERM_S = 1.0
"""Seconds that workers have to end after SIGTERM, before they are killed."""
_CHUNK = 1 << 18
_SIGNAL = 0
"""Stands for a signal where a slot's number stands for its worker; slots are numbered from 1."""


@dataclass(slots=True)
class _Child:
    """A forked worker, and our end of its socket with the beginning of a line that has not ended."""

    pid: int
    link: unpatched.Socket
    buffer: bytes = b""
    is_stopped: bool = False


class WorkerPool:
    """A process for each slot that has a worker, and a capture for each slot."""

    def __init__(
        self, context: worker.WorkerContext, slots: Sequence[int], channels: tuple[Journal, HostMessages]
    ) -> None:
        self._context = context
        self._channels = channels
        self._children: dict[int, _Child] = {}
        self._inspectors: set[int] = set()
        self._selector = unpatched.selectors.DefaultSelector()
        self._signal_fds: tuple[int, ...] = ()
        self.captures = {slot: Capture(slot) for slot in slots}

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Watch child processes inside the block. At its end, no process of the pool is left."""
        self._strays = Strays()
        with child_signals() as self._signal_fds:
            self._selector.register(self._signal_fds[0], selectors.EVENT_READ, _SIGNAL)
            try:
                yield
            finally:
                self._end_all()
                self._selector.close()

    def wait(self, seconds: float) -> tuple[list[int], bool]:
        """Wait up to *seconds*. Returns the slots whose workers have sent something, and whether a child may have ended."""
        ready = [key.data for key, _ in self._selector.select(seconds)]
        if _SIGNAL in ready:
            with contextlib.suppress(BlockingIOError):
                unpatched.os.read(self._signal_fds[0], 4096)
        return [slot for slot in ready if slot in self._children], _SIGNAL in ready

    def spawn(self, slot: int) -> int:
        """Fork a worker into *slot*. Returns its pid."""
        self._context.stop_flag.clear(slot)
        ours, theirs = unpatched.socket.socketpair()
        flush(sys.stdout, sys.stderr)  # text left in Python's buffers would be printed by both processes
        with interrupts_blocked():  # a child that is not registered would never be ended
            pid = unpatched.os.fork()
            if pid == 0:
                self._become_worker(slot, ours, theirs)
            self._children[slot] = _Child(pid, ours)
        self._context.slots_with_clones.discard(slot)
        # a group of its own ends together, and a terminal's signals do not reach it; the worker sets it too, since either of
        # the two may run first
        with contextlib.suppress(OSError):  # the worker may have ended, or have a session of its own by now
            unpatched.os.setpgid(pid, pid)
        theirs.close()
        ours.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, slot)
        return pid

    def _become_worker(self, slot: int, ours: unpatched.Socket, theirs: unpatched.Socket) -> NoReturn:
        """Run the worker in the forked child. It must never return: it would be a second coordinator."""
        try:
            # close the descriptors of the coordinator and other workers: an inherited end would hide a hang-up
            ours.close()
            self._selector.close()
            for child in self._children.values():
                child.link.close()
            for fd in self._signal_fds:
                unpatched.os.close(fd)
            for own in (*self._channels, self._context.stop_flag):
                own.forget()
            for other, capture in self.captures.items():
                if other != slot:
                    capture.close()
            worker.run(self._context, slot, theirs, self.captures[slot])
        finally:
            unpatched.os._exit(ExitCode.INTERNAL)

    def lines(self, slot: int) -> list[bytes] | None:
        """The lines that the slot's worker has sent; ``None`` when there are no more for now, or for good."""
        child = self._children[slot]
        try:
            chunk = child.link.recv(_CHUNK)
        except BlockingIOError:
            return None
        except ConnectionError:
            chunk = b""
        if not chunk:
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.link)
            return None
        *lines, child.buffer = (child.buffer + chunk).split(b"\n")
        return [line + b"\n" for line in lines]

    def send(self, slot: int, line: bytes) -> None:
        """Send *line* to the slot's worker, unless it has just died."""
        link = self._children[slot].link
        with contextlib.suppress(OSError):
            link.setblocking(True)
            link.sendall(line)
            link.setblocking(False)

    def retire(self, slot: int) -> None:
        """Close the sending side of the socket: the worker ends when it has read everything."""
        with contextlib.suppress(OSError):
            self._children[slot].link.shutdown(socket.SHUT_WR)

    def examine(self, slot: int) -> None:
        """Have the stacks of the worker's threads, and its sessions on the servers, written to the slot's capture."""
        self._context.stop_flag.set(slot)
        with contextlib.suppress(ProcessLookupError):
            unpatched.os.kill(self._children[slot].pid, signal.SIGUSR1)
        context, found = self._context, self.captures[slot].sessions
        self._inspectors.add(sessions.start(context.test_databases, context.replicas, slot, found))

    def terminate(self, slot: int) -> None:
        if slot in self._children:
            tree.send(self._children[slot].pid, signal.SIGTERM)

    def kill(self, slot: int) -> None:
        if slot in self._children:
            tree.end([self._children[slot].pid])

    def reap(self) -> Iterator[tuple[int, int]]:
        """Each slot whose worker has ended, with its exit status, negative for a signal. The caller then calls ``remove``."""
        for slot, child in list(self._children.items()):
            pid, status = unpatched.os.waitpid(child.pid, os.WNOHANG | os.WUNTRACED)
            if pid and unpatched.os.WIFSTOPPED(status):
                child.is_stopped = True
            elif pid:
                yield slot, unpatched.os.waitstatus_to_exitcode(status)
        self._inspectors = {pid for pid in self._inspectors if not has_ended(pid)}

    def remove(self, slot: int) -> None:
        """Forget the slot's worker, which has ended and whose lines were read."""
        self._children.pop(slot).link.close()

    def continue_stopped(self, slots: Collection[int]) -> None:
        """Continue those workers of *slots* that a signal has stopped."""
        for slot, child in self._children.items():
            if child.is_stopped and slot in slots:
                child.is_stopped = False
                tree.send(child.pid, signal.SIGCONT)

    def end_strays(self, inspectors: Collection[int]) -> None:
        """End the processes that dead workers left behind, in any group or session; *inspectors* are the coordinator's own."""
        self._strays.end({child.pid for child in self._children.values()} | self._inspectors | set(inspectors))

    def _end_all(self) -> None:
        for pid in self._inspectors:
            kill_child(pid)
        self._inspectors.clear()
        end_children([child.pid for child in self._children.values()], TERM_S)
        for slot in list(self._children):
            self.remove(slot)
        self._strays.end(())
