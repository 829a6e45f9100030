"""A small process that outlives a killed run and removes its containers and networks.

``python -m harness.host.docker.watchdog RUN`` waits for its standard input to end. A run that has cleaned up itself writes
``tidy`` there first. It has a session of its own, so that an interrupt of the run's processes at a terminal does not end
it. ``harness doctor`` handles a machine that ends everything at once.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

_TIDY = b"tidy"


@contextlib.contextmanager
def watched(run: str) -> Iterator[None]:
    """Run a watchdog of *run* during the block; it removes the run's containers if the block raises or this process dies."""
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
        process.stdin.close()  # the clean-up may have failed: let the watchdog look again
        process.wait()  # the command ends when nothing is left
        raise
    with contextlib.suppress(OSError):  # the watchdog was killed
        process.stdin.write(_TIDY)
        process.stdin.close()
    process.wait()


def main() -> None:
    """Wait, and remove the remains of the run unless it wrote that it has cleaned up."""
    if sys.stdin.buffer.read() == _TIDY:
        return
    # imported late: not needed while a run goes well
    from harness.errors import ServerError
    from harness.host.docker.client import connect
    from harness.host.docker.containers import remove_run

    with contextlib.suppress(ServerError), contextlib.closing(connect()) as client:
        remove_run(client, sys.argv[1])


if __name__ == "__main__":
    main()
