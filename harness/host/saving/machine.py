"""The servers of a job as processes of this machine."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from harness.host.local import saved
from harness.host.local.account import account
from harness.host.local.server import END_S
from harness.host.saving.job import Job, SavedServer
from harness.host.seeds.saved import Script
from harness.host.seeds.seed import StoredSeed


class Machine:
    """The machine with the folders of the servers of *job*."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._account = account()

    def script(self, server: SavedServer) -> Script:
        return saved.script(Path(server.id), self._account)

    def end(self) -> None:
        for lease in self._job.leases:
            with contextlib.suppress(OSError):
                os.close(lease)
        saved.await_removal([Path(server.id) for server in self._job.servers], self._account, END_S)

    def take(self, made: list[StoredSeed], kept: list[StoredSeed]) -> None:
        """Nothing: servers unpack the file of the cache."""
