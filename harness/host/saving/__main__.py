"""The saver: a process that a run leaves behind to save its databases, and that ends the run's servers.

``python -m harness.host.saving FILE`` reads a ``Job`` from its standard input. It holds the leases of the servers by descriptors
that it has inherited: if it is killed, the servers end, and the run's watchdog removes them. *FILE* is the lock that says that
it is at work.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from harness.errors import HarnessError
from harness.host.saving.job import FOLDER, PROBLEM, Job, from_json
from harness.host.seeds.saved import NICE

LIMIT_S = 180
"""The longest time, in seconds, that a saver works."""
END_S = 20
"""The longest time, in seconds, that it may take to end the servers after that."""


def main() -> None:
    """Do the job, and leave nothing behind but seeds."""
    os.nice(NICE)
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(LIMIT_S)
    lock = Path(sys.argv[1])
    job = from_json(sys.stdin.read())
    try:
        # late: docker and zstd take longer to load than the lines above, and the run's last lines must not wait
        from harness.host.saving.save import save

        save(job)
    except Exception as error:  # noqa: BLE001 - there is no one to tell
        _note(job, error)
    finally:
        for descriptor in (*job.leases, *([job.watchdog] if job.watchdog >= 0 else [])):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        for each in job.files:
            Path(each.path).unlink(missing_ok=True)
        lock.unlink(missing_ok=True)


def _give_up(*_: object) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(END_S)  # its default action ends the process, and so the leases
    raise TimeoutError(f"they could not be saved within {LIMIT_S} s")


def _note(job: Job, error: Exception) -> None:
    """Write the failure where ``harness cache`` shows it."""
    text = f"{error.message} {error.evidence}".strip() if isinstance(error, HarnessError) else f"{error!r}"
    with contextlib.suppress(OSError):
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        (Path(job.folder) / FOLDER / PROBLEM).write_text(f"{when} {job.project}: {text}\n")


if __name__ == "__main__":
    main()
