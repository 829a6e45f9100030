"""A small process that outlives a killed run and removes its containers and networks.

``python -m harness.host.docker.watchdog RUN`` waits for its standard input to end. A run that has cleaned up itself writes
``tidy`` there first. It has a session of its own, so that an interrupt of the run's processes at a terminal does not end
it. ``harness doctor`` handles a machine that ends everything at once.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

TIDY = b"tidy"
"""The message of a run to its watchdog that it has cleaned up itself."""


class Watchdog:
    """A watchdog's standard input. ``give_away`` hands it to another process, which then has to clean up."""

    def __init__(self, input: IO[bytes]) -> None:
        self._input = input
        self.is_given_away = False

    def give_away(self) -> int:
        """A descriptor for another process, which writes ``TIDY`` there."""
        descriptor = os.dup(self._input.fileno())
        self._input.close()
        self.is_given_away = True
        return descriptor


@contextlib.contextmanager
def watched(run: str) -> Iterator[Watchdog]:
    """Run a watchdog of *run* during the block; it removes the run's containers if the block raises or this process dies."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, run],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    watchdog = Watchdog(process.stdin)
    try:
        yield watchdog
    except BaseException:
        if watchdog.is_given_away:
            raise
        process.stdin.close()  # the clean-up may have failed: let the watchdog look again
        process.wait()  # the command ends when nothing is left
        raise
    if watchdog.is_given_away:
        return
    with contextlib.suppress(OSError):  # the watchdog was killed
        process.stdin.write(TIDY)
        process.stdin.close()
    process.wait()


def main() -> None:
    """Wait, and remove the remains of the run unless it wrote that it has cleaned up."""
    if sys.stdin.buffer.read() == TIDY:
        return
    # imported late: not needed while a run goes well
    from harness.errors import ServerError
    from harness.host.docker.client import connect
    from harness.host.docker.containers import remove_run

    with contextlib.suppress(ServerError), contextlib.closing(connect()) as client:
        remove_run(client, sys.argv[1])


if __name__ == "__main__":
    main()
