"""Forks short-lived children of the coordinator that ask the database servers: it must not wait for an answer itself.

No test runs in such a process, so no state that a test leaves behind can falsify its findings: no guard against the network, no
broken connection, no changed settings.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable

from .. import unpatched
from ..descriptors import MemoryFile
from ..host_channel import interrupts_blocked

_ENDING = (signal.SIGTERM, signal.SIGALRM)


def start_inspector(texts: Iterable[str], deadline_s: float, findings: MemoryFile) -> int:
    """Fork a process that writes *texts* to *findings*, and ends after *deadline_s* seconds at the latest.

    *texts* is a generator, which asks the servers in that process. Returns the pid; the caller reaps it.
    """
    findings.clear()
    with interrupts_blocked():
        pid = unpatched.os.fork()
        if pid:
            return pid
        try:
            for signum in _ENDING:
                unpatched.signal.signal(signum, signal.SIG_DFL)
            unpatched.signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            unpatched.signal.setitimer(signal.ITIMER_REAL, deadline_s)
            for text in texts:
                unpatched.os.write(findings.fd, text.encode())
        finally:
            unpatched.os._exit(0)
