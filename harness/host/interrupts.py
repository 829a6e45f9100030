"""SIGINT, SIGTERM and SIGHUP become an exception in the main thread, where nothing is left half-made by it."""

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
    """Those of this process: how many came, what is still to be raised, and how deep it is in what is not to be cut off."""

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
    """``SIGNALS``, without a SIGHUP that is ignored from the start, as ``nohup`` has it."""
    return [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN or each != signal.SIGHUP]


_here = _Interrupts()
"""Signals are a process's, and so is this."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """A first SIGINT, SIGTERM or SIGHUP raises ``Interrupted`` in the main thread, and a second: it ends the wait for inside.
    Further ones change nothing: what is left then is to clean up.
    """
    _here.came, _here.due, _here.is_over = [], None, False
    old = {signum: signal.signal(signum, _here.take) for signum in heeded()}
    try:
        yield
    finally:
        for signum, handler in old.items():
            signal.signal(signum, handler)


def ignore_further() -> None:
    """From now on what comes changes nothing: the run is over, and its reports are being written."""
    _here.is_over, _here.due = True, None


def ignore_for_good() -> None:
    """The process is about to end with what its reports say."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """What comes in here is raised at its end: a container is known by then, or gone. For calls that have a deadline."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal is raised there
        return
    _here.depth += 1
    try:
        yield
    finally:
        _here.depth -= 1
        _here.give()


def submit(pool: Executor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """As ``pool.submit``. Cut off in its middle, that leaves a thread which the pool's ``shutdown`` does not wait for."""
    with uninterrupted():
        return pool.submit(call, *args, **kwargs)
