"""Outlives a run that is killed: a small process that removes what the run had started, once nobody else will.

``python -m harness.host.watchdog RUN`` waits for its standard input to end. A run that has tidied up itself says so there first.
It has a session of its own, so that what ends the run's processes at a terminal does not end it. A machine that ends everything
at once is the business of ``harness doctor``.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

_TIDY = b"tidy"


@contextlib.contextmanager
def watched(run: str) -> Iterator[None]:
    """While this lasts, and if it is never left, somebody sees to the end of *run*."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, run],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    try:
        yield
    except BaseException:
        process.stdin.close()  # something may be left: it is looked for again
        process.wait()
        raise
    with contextlib.suppress(OSError):  # somebody ended it
        process.stdin.write(_TIDY)
        process.stdin.close()
    process.wait()


def main() -> None:
    """Wait, and remove what is left of the run if it could not say that it was tidy."""
    if sys.stdin.buffer.read() == _TIDY:
        return
    # nothing of this is imported while a run goes well
    from harness.errors import ServerError
    from harness.host.docker.containers import remove_run
    from harness.host.docker.engine import connect

    with contextlib.suppress(ServerError), contextlib.closing(connect()) as client:
        remove_run(client, sys.argv[1])


if __name__ == "__main__":
    main()
