"""The standard library as it was before the project was imported, for the code of the harness that runs while tests run.

A test may patch ``os.getpid`` or ``time.monotonic``, count their calls, or freeze time for good. Code that runs between the first
test's beginning and the last one's end calls these copies instead; ``tests/unit/runner/test_unpatched.py`` checks the modules.

Only ``perf_counter`` tells the time: time-machine changes the other clocks themselves, below Python. It is an attribute of a
class, because freezegun replaces every *module's* attribute that is a real function of time.
"""

from __future__ import annotations

import _socket
import faulthandler
import fcntl
import io
import json
import mmap
import os
import resource
import select
import selectors
import signal
import threading
import time as _time
import traceback
from types import SimpleNamespace

__all__ = [
    "faulthandler",
    "fcntl",
    "io",
    "json",
    "mmap",
    "os",
    "resource",
    "select",
    "selectors",
    "signal",
    "threading",
    "traceback",
]
# a type checker sees the modules themselves
globals().update((name, SimpleNamespace(**vars(globals()[name]))) for name in __all__)


class time:
    perf_counter = _time.perf_counter
    sleep = _time.sleep


STARTED_AT = _time.time() - _time.perf_counter()
"""The time at which ``perf_counter`` was 0, in seconds since the epoch."""


def epoch_s() -> float:
    """The time in seconds since the epoch, whatever clock a test has set."""
    return STARTED_AT + time.perf_counter()


Socket = _socket.socket
"""The C base class of Python's sockets: a test may replace methods of the Python class, for every socket there is."""


class socket:
    socketpair = _socket.socketpair
