"""Default signal handling for tests that send signals: under ``nohup`` or as a background job, a process ignores some of them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

NAMES = ("INT", "TERM", "HUP")

DEFAULT_SIGNALS = ("env", f"--default-signal={','.join(NAMES)}")
"""Prefix of a command that signals are sent to: it starts with none of them ignored."""


@contextlib.contextmanager
def default_signals() -> Iterator[None]:
    """Give this process the default handlers of the signals within the block."""
    before = {number: signal.getsignal(number) for number in (signal.Signals[f"SIG{name}"] for name in NAMES)}
    for number in before:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
