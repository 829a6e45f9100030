"""The work of a saver: which servers it saves, as plain data between two processes; and the savers that are at work.

A saver holds the lock of a file in the cache from before the run's own process ends until it has ended itself, however that
comes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = "savers"
PROBLEM = "last-problem"
"""The file in the folder of the savers with the last one's failure."""


@dataclass(frozen=True, slots=True)
class SavedServer:
    """A primary server to be saved: its ``part`` of the key, its id for the engine, its templates, and what it had besides them
    when these were ready.
    """

    part: str
    source: str
    id: str
    image: str
    templates: tuple[str, ...]
    contents: str


@dataclass(frozen=True, slots=True)
class SavedFile:
    """The file of an alias to be saved: its ``part`` of the key, and where it is now."""

    part: str
    path: str


@dataclass(frozen=True, slots=True)
class Job:
    """The work of one saver. ``leases`` are the descriptors by which it holds the servers.

    Of servers in containers, ``run`` is the run whose containers it removes at its end, and ``watchdog`` the descriptor by which
    it tells that run's watchdog so. Servers of this machine, which ``are_local``, have no watchdog.
    """

    folder: str
    limit: int
    cache: str
    project: str
    key: str
    base: str
    migrations: tuple[str, ...]
    slots: int
    servers: tuple[SavedServer, ...]
    files: tuple[SavedFile, ...]
    run: str = ""
    watchdog: int = -1
    leases: tuple[int, ...] = ()
    are_local: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        return (*(server.part for server in self.servers), *(file.part for file in self.files))


def to_json(job: Job) -> str:
    return json.dumps(dataclasses.asdict(job))


def from_json(text: str) -> Job:
    """The job of ``to_json``."""
    values = json.loads(text)
    servers = (SavedServer(**{**one, "templates": tuple(one["templates"])}) for one in values.pop("servers"))
    files = (SavedFile(**one) for one in values.pop("files"))
    lists = {"migrations": tuple(values["migrations"]), "leases": tuple(values["leases"])}
    return Job(**{**values, **lists, "servers": tuple(servers), "files": tuple(files)})


def spawn(job: Job) -> None:
    """Start a saver for *job* in a session of its own; it inherits the descriptors of the job, which are closed here.

    Raises ``OSError`` where it cannot be started; nothing is closed then.
    """
    path = Path(job.folder) / FOLDER / f"{os.getpid()}-{time.monotonic_ns()}"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("w+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(job.project.encode(errors="replace"))
        inherited = [file.fileno(), *job.leases, *([job.watchdog] if job.watchdog >= 0 else [])]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "harness.host.saving", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=inherited,
            start_new_session=True,
        )
    assert process.stdin is not None
    process.stdin.write(to_json(job).encode())
    process.stdin.close()
    for descriptor in inherited[1:]:
        os.close(descriptor)


def at_work(folder: Path) -> list[str]:
    """The project of each saver that is at work; the files of others are removed."""
    found = []
    for path, file in _files(folder):
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            found.append(path.read_text(errors="replace"))
        else:
            path.unlink(missing_ok=True)
    return found


def await_all(folder: Path, seconds: float) -> bool:
    """Wait until no saver is at work, at most *seconds*; whether that came."""
    deadline = time.monotonic() + seconds
    while at_work(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    with contextlib.suppress(FileNotFoundError):
        for path in sorted((folder / FOLDER).iterdir()):
            if path.name == PROBLEM:
                continue
            with contextlib.suppress(FileNotFoundError):
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    yield path, file
                finally:
                    os.close(file)
