"""Raises SIGINT, SIGTERM and SIGHUP as an exception in the main thread, between two operations and in the middle of none."""

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
    """The signals that this process received, the exception still to be raised, and the number of ``uninterrupted`` blocks
    around the current operation.
    """

    def __init__(self) -> None:
        self.received: list[int] = []
        self.pending: Interrupted | None = None
        self.depth = 0
        self.is_over = False

    def receive(self, signum: int, _frame: FrameType | None) -> None:
        self.received.append(signum)
        if len(self.received) > 2 or self.is_over:
            return
        code = ExitCode.SIGINT if self.received[0] == signal.SIGINT else ExitCode.SIGTERM
        self.pending = Interrupted(f"{signal.Signals(signum).name} ended the run.", code)
        self.raise_pending()

    def raise_pending(self) -> None:
        if self.depth == 0 and self.pending is not None:
            error, self.pending = self.pending, None
            raise error


_interrupts = _Interrupts()
"""The one instance: signals belong to the process."""


@contextlib.contextmanager
def handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Call *handler* for ``SIGNALS`` within the block. A SIGHUP that is ignored before, as under ``nohup``, stays ignored."""
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    handled = [signum for signum in SIGNALS if not (is_ignored and signum == signal.SIGHUP)]
    before = {signum: signal.signal(signum, handler) for signum in handled}
    try:
        yield
    finally:
        for signum, old in before.items():
            signal.signal(signum, old)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise ``Interrupted`` in the main thread on the first of ``SIGNALS``, and on the second: it ends the wait for the
    runner. Further signals have no effect: only the clean-up remains.
    """
    _interrupts.received, _interrupts.pending, _interrupts.is_over = [], None, False
    with handling(_interrupts.receive):
        yield


def ignore_further() -> None:
    """Ignore further signals: the run is over, and its reports are being written."""
    _interrupts.is_over, _interrupts.pending = True, None


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
    _interrupts.depth += 1
    try:
        yield
    finally:
        _interrupts.depth -= 1
        _interrupts.raise_pending()


def submit(pool: Executor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Call ``pool.submit`` uninterrupted: an interrupt inside it would leave a thread that ``shutdown`` does not wait for."""
    with uninterrupted():
        return pool.submit(call, *args, **kwargs)
