"""The runner's parent process outside a container: it outlives the runner, and ends the processes that the runner left.

A container ends with its first process, and all of its processes with it. On the host's machine this small process does the
same: every process of a test is below it, in any group or session. No code of the project is loaded here.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import NoReturn

from . import prctl, tree

END_NOW = signal.SIGUSR2
"""The host's request to kill everything at once."""
CHECK_S = 1.0
GRACE_S = 6.0
"""Seconds that the runner has to end by itself after its host has ended: it sees the end of its input."""
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
_AWAITED = frozenset({*_PASSED_ON, END_NOW, signal.SIGCHLD})


def keep() -> None:
    """Fork. The child returns, to become the runner; the parent ends with the runner's status, and never returns."""
    if not sys.platform.startswith("linux"):
        return
    host, supervisor = os.getppid(), os.getpid()
    prctl.adopt_orphans()
    for signum in _AWAITED:
        signal.signal(signum, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    runner = os.fork()
    if runner == 0:
        prctl.die_with_parent(signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    prctl.hide()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)  # the runner's streams end with the runner
    status = _wait(runner, host)
    tree.end(tree.children_of(os.getpid(), tree.snapshot()))
    _end_as(status)


def _wait(runner: int, host: int) -> int:
    """Wait for *runner* and return its ``waitpid`` status. Kill it when *host* asks, or ``GRACE_S`` after *host* has ended."""
    deadline: float | None = None
    while True:
        received = signal.sigtimedwait(_AWAITED, CHECK_S)
        pid, status = os.waitpid(runner, os.WNOHANG)
        if pid:
            return status
        if deadline is None and os.getppid() != host:
            deadline = time.monotonic() + GRACE_S
        if (received and received.si_signo == END_NOW) or (deadline is not None and time.monotonic() > deadline):
            tree.end([runner])
            return os.waitpid(runner, 0)[1]
        if received and received.si_signo in _PASSED_ON:
            os.kill(runner, received.si_signo)


def _end_as(status: int) -> NoReturn:
    """End as the runner did: by the same signal if one has ended it, else with its exit status."""
    if os.WIFSIGNALED(status):
        signum = os.WTERMSIG(status)
        if signum != signal.SIGKILL:
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signum})
        os.kill(os.getpid(), signum)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)
