"""Saves the servers of a run, and ends them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from harness.errors import ServerError
from harness.host.saving.job import Job, SavedServer
from harness.host.seeds.saved import Data, Script, difference
from harness.host.seeds.seed import Manifest, StoredSeed, servers_of
from harness.host.seeds.store import Store


class Ground(Protocol):
    """The place of the servers of a job: an engine, or this machine."""

    def script(self, server: SavedServer) -> Script:
        """The script beside *server*."""

    def end(self) -> None:
        """End every server, and remove all of the run that is left."""

    def take(self, made: list[StoredSeed], kept: list[StoredSeed]) -> None:
        """Have the seeds *made* at hand for the next servers, and none that is not *kept*."""


def save(job: Job) -> None:
    """Save every part of *job*, or none, and end its run. Raises ``ServerError``, ``OSError`` or ``ValueError``."""
    store = Store(Path(job.folder), job.limit)
    try:
        with _ended(job) as ground:
            made = [_save_server(store, job, ground, server) for server in job.servers if ground is not None]
            for file in job.files:
                made.append(store.save(_manifest(job, file.part, ""), iter([Path(file.path).read_bytes()])))
        store.prune(time.time())
        if ground is not None:
            ground.take(made, store.all())
    except BaseException:
        store.remove(job.key, _servers(job))
        raise


@contextlib.contextmanager
def _ended(job: Job) -> Iterator[Ground | None]:
    """The ground of the servers, if there are any; at the end of the block nothing of the run is left there."""
    if not job.servers:
        yield None
        return
    ground = _ground(job)
    try:
        yield ground
    finally:
        ground.end()


def _ground(job: Job) -> Ground:
    if job.are_local:
        from harness.host.saving.machine import Machine

        return Machine(job)
    # nothing of Docker is imported where no engine is needed
    from harness.host.saving.engine import Engine

    return Engine(job)


def _save_server(store: Store, job: Job, ground: Ground, server: SavedServer) -> StoredSeed:
    data = Data(ground.script(server), server.templates, job.slots)
    if problem := difference(server.contents, data.state(server.contents)):
        raise ServerError(f"The tests have changed what is no clone of theirs on {server.part}: {problem}")
    return store.save(lambda: _manifest(job, server.part, server.source, data.slots), data.read())


def _manifest(job: Job, part: str, source: str, slots: int | None = None) -> Manifest:
    slots = job.slots if slots is None else slots
    return Manifest(job.key, job.base, job.migrations, slots, part, job.parts, source, _servers(job), 0)


def _servers(job: Job) -> str:
    return servers_of({server.part: server.source for server in job.servers})
