"""``harness cache``: lists the migrated seeds and the savers at work, waits for these, or empties the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host.cache import private_folder
from harness.host.saving import job
from harness.host.seeds.memory import Memory
from harness.host.seeds.seed import FILE_PART, StoredSeed
from harness.host.seeds.store import Store

FOLDER = "databases"
WAIT_S = 300
"""The longest wait, in seconds, for savers: none works longer."""


def cache_name(folder: Path) -> str:
    """The name of the cache in *folder* on an engine, by which its volumes are found."""
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]


def run_cache(environ: Mapping[str, str], *, wait: bool = False, clear: bool = False) -> ExitCode:
    """Print what is in the cache; with *wait*, first wait for the savers at work; with *clear*, empty it instead.

    Raises ``UsageError`` for a folder that cannot be used, ``ServerError`` for a saver that does not end.
    """
    folder = private_folder(environ, FOLDER)
    if (wait or clear) and not job.await_all(folder, WAIT_S):
        raise ServerError(
            f"The databases of a run are still being saved after {WAIT_S} s.",
            hint="Look for processes called harness.host.saving.",
        )
    store = Store(folder, 0)
    if clear:
        gone = store.remove()
        Memory(folder).clear()
        volumes = _remove_volumes(folder)
        print(f"Removed {len(gone)} files ({_size(gone)}) and {volumes} volumes.")
        return ExitCode.GREEN
    print("\n".join(cached(environ)))
    return ExitCode.GREEN


def cached(environ: Mapping[str, str]) -> list[str]:
    """The ``lines`` of the cache that *environ* names. Raises ``UsageError`` for a folder that cannot be used."""
    folder = private_folder(environ, FOLDER)
    return list(lines(folder, Store(folder, 0).all(), job.at_work(folder), time.time()))


def lines(folder: Path, seeds: Iterable[StoredSeed], savers: Iterable[str], now: float) -> Iterator[str]:
    """The *seeds* in *folder*, the one used last first, and the projects of the *savers* at work, for people."""
    found: dict[tuple[str, str], list[StoredSeed]] = {}
    for seed in seeds:
        found.setdefault(seed.manifest.seed, []).append(seed)
    total = _size(part for parts in found.values() for part in parts)
    yield f"{folder}: {len(found)} cached states of databases, {total}"
    for (key, _), parts in found.items():
        manifest = parts[0].manifest
        names = ", ".join(sorted(map(_title, parts)))
        yield (
            f"  {key[:12]}  {names}: {len(manifest.migrations)} migrations, clones for {manifest.slots} workers,"
            f" {_size(parts)}, used {_age(now - max(part.used_at for part in parts))} ago"
        )
    yield from (f"being saved now: {project}" for project in savers)
    with contextlib.suppress(OSError):
        problem = (folder / job.FOLDER / job.PROBLEM).read_text().strip()
        yield f"not saved: {problem}"


def _title(seed: StoredSeed) -> str:
    """The server or the alias of *seed*, and the programs of the server without the digests of their recipe."""
    name, source = seed.manifest.part.removeprefix(FILE_PART), seed.manifest.source.partition(" ")[0]
    return f"{name} ({source.rpartition('-')[0].removeprefix('harness-')})" if source else name


def _remove_volumes(folder: Path) -> int:
    """Remove the cache's volumes from the engine, if one answers; how many there were."""
    # late: the list needs no engine
    from harness.host.docker.client import connect
    from harness.host.docker.seeds import volumes

    with contextlib.suppress(HarnessError), contextlib.closing(connect()) as client:
        return len(volumes.remove(client, cache_name(folder)))
    return 0


def _size(seeds: Iterable[StoredSeed]) -> str:
    return f"{sum(seed.bytes for seed in seeds) / 1_000_000:.1f} MB"


def _age(seconds: float) -> str:
    """*seconds* in the largest unit that fits."""
    for name, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{max(seconds, 0):.0f} seconds"
