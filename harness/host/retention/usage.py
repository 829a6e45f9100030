"""Records of the images that runs of this user use: a file for each image in the user's cache folder.

The file's time is that of the last use, its lines are the projects, and a run holds a lock on it as long as it needs the image.
Where no such file can be written, nothing is recorded: the engine's own times then decide.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.host.cache import cache_folder, private_folder

FOLDER = "images"
"""The folder of the records in the cache."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The use of an image: ``used_at`` in seconds of the epoch, and the folders of the ``projects``."""

    used_at: float = 0.0
    projects: tuple[str, ...] = ()


def records_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the records, made if missing and if it can be made."""
    with contextlib.suppress(UsageError):
        return private_folder(environ, FOLDER)
    return cache_folder(environ) / FOLDER


class Records:
    """The records in *folder*. Every method may be called from any thread and by several processes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def use(self, tag: str, project: str, held: contextlib.ExitStack) -> None:
        """Record the use of the image *tag* by *project*, if that is not empty, and lock the record until *held* closes.

        Waits while the image is being removed, so ask the engine afterwards whether it is there.
        """
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path(tag), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            held.callback(os.close, file)
            fcntl.flock(file, fcntl.LOCK_SH)
            if project and project not in self.read(tag).projects:
                os.write(file, f"{project}\n".encode(errors="surrogateescape"))
            os.utime(file)

    def read(self, tag: str) -> Usage:
        """The recorded use of *tag*; an empty one if there is none."""
        with contextlib.suppress(OSError):
            path = self._path(tag)
            lines = path.read_text(errors="surrogateescape").splitlines()
            return Usage(path.stat().st_mtime, tuple(dict.fromkeys(lines)))
        return Usage()

    @contextlib.contextmanager
    def unused(self, tag: str) -> Iterator[bool]:
        """Whether no run holds *tag*; until the end of the block, none begins to."""
        with contextlib.ExitStack() as opened:
            try:
                file = os.open(self._path(tag), os.O_RDWR | os.O_CLOEXEC)
                opened.callback(os.close, file)
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            except OSError:  # no run has recorded it; a new file would look like a use
                pass
            yield True

    def forget(self, tag: str) -> None:
        """Remove the record of *tag*."""
        with contextlib.suppress(OSError):
            self._path(tag).unlink()

    def _path(self, tag: str) -> Path:
        return self._folder / re.sub(r"[/:]", "_", tag)
