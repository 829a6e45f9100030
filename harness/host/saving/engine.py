"""The servers of a job in containers."""

from __future__ import annotations

import contextlib
import os

from harness.host.docker import containers
from harness.host.docker.client import connect
from harness.host.docker.seeds import saved, volumes
from harness.host.docker.watchdog import TIDY
from harness.host.platform import Seed
from harness.host.saving.job import Job, SavedServer
from harness.host.seeds import store
from harness.host.seeds.saved import Script
from harness.host.seeds.seed import StoredSeed


class Engine:
    """The engine with the containers of *job*."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._client = connect()

    def script(self, server: SavedServer) -> Script:
        return saved.script(self._client, server.id)

    def end(self) -> None:
        containers.remove_run(self._client, self._job.run)
        with contextlib.suppress(OSError):
            os.write(self._job.watchdog, TIDY)

    def take(self, made: list[StoredSeed], kept: list[StoredSeed]) -> None:
        """Put the seeds into volumes, where the next run's servers find them at once."""
        images = {server.part: server.image for server in self._job.servers}
        for seed in made:
            if image := images.get(seed.manifest.part):
                volumes.fill(self._client, as_seed(seed), image, self._job.cache)
        volumes.remove(self._client, self._job.cache, [seed.digest for seed in kept])


def as_seed(stored: StoredSeed) -> Seed:
    """*stored* as a platform takes it."""
    return Seed(stored.digest, stored.manifest.size, lambda: store.content(stored))
