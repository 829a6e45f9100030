"""What a test that sends signals sets itself: ``nohup`` and a shell's background jobs start with some of them ignored."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

NAMES = ("INT", "TERM", "HUP")

HEEDING = ("env", f"--default-signal={','.join(NAMES)}")
"""Before a command that signals are sent to: none of them is ignored from its start."""


@contextlib.contextmanager
def heeding() -> Iterator[None]:
    """None of them is ignored by this process in the block."""
    before = {number: signal.getsignal(number) for number in (signal.Signals[f"SIG{name}"] for name in NAMES)}
    for number in before:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
