"""The templates of SQLite, in files or in memory, as bytes: saved for the host to keep, and put back in place of migrations."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.db import connections

from ...protocol.messages import SeedFile
from ...protocol.seed_events import SeedFileSaved
from ..databases.clones import TestDatabase, is_forked

MOST_BYTES = 256_000_000
"""Limit of a template: larger ones are made anew each time."""
_LEFTOVERS = ("", "-journal", "-wal", "-shm")


def unpacked(files: Iterable[SeedFile], name_of: Any) -> dict[str, bytes]:
    """The contents of *files*, by the names of their test databases. Raises ``ValueError`` or ``zlib.error`` for a torn one."""
    return {name_of(each.alias): zlib.decompress(base64.b64decode(each.content, validate=True)) for each in files}


@contextlib.contextmanager
def restored(name: str, content: bytes) -> Iterator[None]:
    """Make the database *name*, a file or one in memory, with *content*. One in memory needs a connection by the block's end."""
    if "mode=memory" not in name:
        for suffix in _LEFTOVERS:
            Path(f"{name}{suffix}").unlink(missing_ok=True)
        Path(name).write_bytes(content)
        yield
        return
    with (
        contextlib.closing(sqlite3.connect(":memory:")) as source,
        contextlib.closing(sqlite3.connect(name, uri=True)) as target,
    ):
        source.deserialize(content)
        source.backup(target)
        yield


def save(databases: Iterable[TestDatabase], key: str, folder: str) -> list[SeedFileSaved]:
    """Write each template of SQLite among *databases* into *folder*. Raises ``OSError`` and the driver's errors."""
    saved = []
    for number, database in enumerate(databases):
        connection: Any = connections[database.alias]
        if connection.vendor != "sqlite":
            continue
        connection.ensure_connection()
        data = zlib.compress(connection.connection.serialize(), 1)
        if not is_forked(connection):
            connection.close()
        if len(data) > MOST_BYTES:
            raise OSError(f"the template of {database.alias} is larger than {MOST_BYTES} bytes")
        path = Path(folder, f"harness-seed-{key[:16]}-{number}")
        path.write_bytes(data)
        saved.append(SeedFileSaved(key, database.alias, str(path), hashlib.sha256(data).hexdigest()))
    return saved
