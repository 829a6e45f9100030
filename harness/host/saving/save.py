"""Saves the servers of a run in containers, and removes them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from harness.errors import ServerError
from harness.host.docker import containers
from harness.host.docker.client import Client, connect
from harness.host.docker.seeds import saved, volumes
from harness.host.docker.watchdog import TIDY
from harness.host.platform import Seed
from harness.host.saving.job import Job, SavedServer
from harness.host.seeds import store as stores
from harness.host.seeds.seed import Manifest, StoredSeed
from harness.host.seeds.store import Store


def save(job: Job) -> None:
    """Save every part of *job*, or none, and end its run. Raises ``ServerError``, ``OSError`` or ``ValueError``."""
    store = Store(Path(job.folder), job.limit)
    try:
        with _ended(job) as client:
            made = [_save_server(store, job, client, server) for server in job.servers if client is not None]
            for file in job.files:
                made.append(store.save(_manifest(job, file.part, ""), iter([Path(file.path).read_bytes()])))
        store.prune(time.time())
        kept = store.all()
        if client is not None:
            _fill(job, client, made)
            volumes.remove(client, job.cache, [seed.digest for seed in kept])
    except BaseException:
        store.remove(job.key)
        raise


@contextlib.contextmanager
def _ended(job: Job) -> Iterator[Client | None]:
    """The engine's client, if there are servers; at the end of the block the run's containers and network are gone."""
    if not job.run:
        yield None
        return
    client = connect()
    try:
        yield client
    finally:
        containers.remove_run(client, job.run)
        with contextlib.suppress(OSError):
            os.write(job.watchdog, TIDY)


def _save_server(store: Store, job: Job, client: Client, server: SavedServer) -> StoredSeed:
    data = saved.Data(client, server.id, server.templates, job.slots)
    if problem := saved.difference(server.contents, data.state(server.contents)):
        raise ServerError(f"The tests have changed what is no clone of theirs on {server.part}: {problem}")
    return store.save(lambda: _manifest(job, server.part, server.source, data.slots), data.read())


def _manifest(job: Job, part: str, source: str, slots: int | None = None) -> Manifest:
    slots = job.slots if slots is None else slots
    return Manifest(job.key, job.base, job.migrations, slots, part, job.parts, source, 0)


def _fill(job: Job, client: Client, seeds: list[StoredSeed]) -> None:
    """Put the seeds where the next run's servers on this engine find them at once."""
    images = {server.part: server.image for server in job.servers}
    for seed in seeds:
        if image := images.get(seed.manifest.part):
            volumes.fill(client, as_seed(seed), image, job.cache)


def as_seed(stored: StoredSeed) -> Seed:
    """*stored* as a platform takes it."""
    return Seed(stored.digest, stored.manifest.size, lambda: stores.content(stored))
