"""Turns SIGINT, SIGTERM and SIGHUP into an exception in the main thread, at a point that leaves nothing half-made."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from types import FrameType
from typing import ParamSpec, TypeVar

from harness.errors import ExitCode, Interrupted

P = ParamSpec("P")
T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Interrupts:
    """The interrupts of this process: those received, the one still to be raised, and the depth of nested
    ``uninterrupted`` blocks.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self.due: Interrupted | None = None
        self.depth = 0
        self.is_over = False

    def take(self, signum: int, _frame: FrameType | None) -> None:
        self.came.append(signum)
        if len(self.came) > 2 or self.is_over:
            return
        code = ExitCode.SIGINT if self.came[0] == signal.SIGINT else ExitCode.SIGTERM
        self.due = Interrupted(f"{signal.Signals(signum).name} ended the run.", code)
        self.give()

    def give(self) -> None:
        if self.depth == 0 and self.due is not None:
            due, self.due = self.due, None
            raise due


def heeded() -> list[signal.Signals]:
    """``SIGNALS``, without a SIGHUP that is ignored from the start, as under ``nohup``."""
    return [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN or each != signal.SIGHUP]


_here = _Interrupts()
"""The one instance: signals belong to the process."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise ``Interrupted`` in the main thread on the first SIGINT, SIGTERM or SIGHUP, and on the second: it ends the
    wait for the runner. Further signals change nothing: only the clean-up is left then.
    """
    _here.came, _here.due, _here.is_over = [], None, False
    old = {signum: signal.signal(signum, _here.take) for signum in heeded()}
    try:
        yield
    finally:
        for signum, handler in old.items():
            signal.signal(signum, handler)


def ignore_further() -> None:
    """Ignore further signals: the run is over, and its reports are being written."""
    _here.is_over, _here.due = True, None


def ignore_for_good() -> None:
    """Ignore signals until the process ends: its exit code matches its reports."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay an interrupt to the end of the block: by then a container is known, or gone. For calls that have a deadline."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are raised in the main thread only
        return
    _here.depth += 1
    try:
        yield
    finally:
        _here.depth -= 1
        _here.give()


def submit(pool: Executor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Call ``pool.submit`` uninterrupted: an interrupt inside it would leave a thread that ``shutdown`` does not wait for."""
    with uninterrupted():
        return pool.submit(call, *args, **kwargs)
