"""The files of migrated seeds in the cache: a line with the digest of the rest, a line with the manifest, and the content.

The content is compressed by zstd with a window of 128 MB: the clones of a template are the same bytes, and cost next to nothing.
A file comes into being as a whole, by its name; one that is torn, that someone has changed, or of another version is as if it
were not there. Every function can be called by several processes at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from harness.host.seeds.seed import Manifest, StoredSeed

MAGIC = b"django-ci-harness seed 1 "
ENDING = ".seed"
TORN_ENDING = ".new"
"""The ending of what is removed if it is still there an hour later."""
_LEVEL, _WINDOW_LOG = 3, 27
_CHUNK = 1 << 20
_OLD_S = 3600.0
"""The least age, in seconds, of a file or folder of a process that was killed, before it is removed."""


class Store:
    """The seeds in *folder*, together at most *limit* bytes after ``prune``."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self._limit = limit

    def all(self) -> list[StoredSeed]:
        """Every seed, the one used last first; their content is not read."""
        found = filter(None, map(_read_head, self.folder.glob(f"*{ENDING}")))
        return sorted(found, key=lambda seed: (-seed.used_at, seed.path.name))

    def parts(self, key: str, servers: str) -> dict[str, StoredSeed]:
        """The parts of *key* on *servers*, by name, each read to its end; empty if one is missing or is not as it was written."""
        found = {seed.manifest.part: seed for seed in self.all() if seed.manifest.seed == (key, servers)}
        expected = {part for seed in found.values() for part in seed.manifest.parts}
        return found if found and expected == set(found) and all(map(is_whole, found.values())) else {}

    def save(self, describe: Manifest | Callable[[], Manifest], content: Iterable[bytes]) -> StoredSeed:
        """Add a seed with *content*, uncompressed, and the manifest *describe*, which is called after the content has ended; the
        size of the content replaces the manifest's.

        Raises ``OSError`` where the file cannot be written, and what *content* raises; then there is no seed.
        """
        import zstandard  # late: most runs write no seed

        parameters = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=_WINDOW_LOG, enable_ldm=True)
        with tempfile.TemporaryFile(dir=self.folder) as packed, self._new_file() as (file, finish):
            size = 0
            with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(packed, closefd=False) as writer:
                for piece in content:
                    size += len(piece)
                    writer.write(piece)
            manifest = dataclasses.replace(describe() if callable(describe) else describe, size=size)
            head = json.dumps(dataclasses.asdict(manifest)).encode() + b"\n"
            packed.seek(0)
            digest = _digest(head, packed)
            packed.seek(0)
            file.write(MAGIC + digest.encode() + b"\n" + head)
            for piece in iter(lambda: packed.read(_CHUNK), b""):
                file.write(piece)
            path = finish(_name(manifest))
        status = path.stat()
        return StoredSeed(manifest, path, digest, status.st_size, status.st_mtime)

    @contextlib.contextmanager
    def _new_file(self) -> Iterator[tuple[IO[bytes], Callable[[str], Path]]]:
        """A new file and a function that gives it its name; without that, it is gone afterwards."""
        with tempfile.NamedTemporaryFile(suffix=TORN_ENDING, dir=self.folder, delete=False) as file:
            path = Path(file.name)
            try:

                def finish(name: str) -> Path:
                    file.flush()
                    os.fsync(file.fileno())
                    return path.rename(self.folder / name)

                yield file, finish
            finally:
                path.unlink(missing_ok=True)

    def use(self, seed: StoredSeed) -> None:
        """Record that *seed* is used now."""
        with contextlib.suppress(OSError):
            os.utime(seed.path)

    def remove(self, key: str = "", servers: str = "") -> list[StoredSeed]:
        """Remove the seeds of *key*, or all, on *servers*, or all, and return them."""
        found = self.all()
        gone = [each for each in found if key in ("", each.manifest.key) and servers in ("", each.manifest.servers)]
        for seed in gone:
            seed.path.unlink(missing_ok=True)
        return gone

    def prune(self, now: float) -> list[StoredSeed]:
        """Remove what processes left behind that were killed, files of other versions, and the seeds used longest ago, until the
        limit is kept.
        """
        unreadable = {*self.folder.glob(f"*{ENDING}")} - {seed.path for seed in self.all()}
        for path in (*self.folder.glob(f"*{TORN_ENDING}"), *unreadable):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < now - _OLD_S:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        gone = beyond(self.all(), self._limit)
        for seed in gone:
            seed.path.unlink(missing_ok=True)
        return gone


def beyond(seeds: Iterable[StoredSeed], limit: int) -> list[StoredSeed]:
    """Those of *seeds*, the one used last first, that have no place within *limit* bytes; all parts of one, or none."""
    found: dict[tuple[str, str], list[StoredSeed]] = {}
    for seed in seeds:
        found.setdefault(seed.manifest.seed, []).append(seed)
    gone: list[StoredSeed] = []
    total = 0
    for parts in found.values():
        total += sum(part.bytes for part in parts)
        if total > limit:
            gone += parts
    return gone


def is_whole(seed: StoredSeed) -> bool:
    """Whether the file of *seed* is as it was written."""
    try:
        with seed.path.open("rb") as file:
            first = file.readline(len(MAGIC) + 66)
            return first == MAGIC + _digest(b"", file).encode() + b"\n"
    except OSError:
        return False


def content(seed: StoredSeed) -> Iterator[bytes]:
    """The content of *seed*, unpacked. Raises ``OSError``, and ``ValueError`` for a content that was changed."""
    import zstandard  # late: a run without a seed needs none

    with seed.path.open("rb") as file:
        file.readline()
        file.readline()
        try:
            yield from zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW_LOG).read_to_iter(file, read_size=_CHUNK)
        except zstandard.ZstdError as error:
            raise ValueError(f"{seed.path} was changed: {error}") from error


def _name(manifest: Manifest) -> str:
    part = hashlib.sha256(manifest.part.encode()).hexdigest()[:8]
    return f"{manifest.key[:32]}-{manifest.servers[:8]}-{part}{ENDING}"


def _digest(head: bytes, file: IO[bytes]) -> str:
    whole = hashlib.sha256(head)
    for piece in iter(lambda: file.read(_CHUNK), b""):
        whole.update(piece)
    return whole.hexdigest()


def _read_head(path: Path) -> StoredSeed | None:
    """The seed in *path* by its first two lines; ``None`` for another file."""
    try:
        with path.open("rb") as file:
            first, second = file.readline(len(MAGIC) + 66), file.readline()
        status = path.stat()
        values = json.loads(second)
        manifest = Manifest(**{**values, "migrations": tuple(values["migrations"]), "parts": tuple(values["parts"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if not first.startswith(MAGIC) or path.name != _name(manifest):
        return None
    return StoredSeed(manifest, path, first[len(MAGIC) : -1].decode(errors="replace"), status.st_size, status.st_mtime)
