"""The folders of local servers: where they are made, which ones are there, and the removal of those that were left behind.

A folder has the server's data, sockets and log, and only the servers' user can read it. Its supervisor holds a lock in it, so a
folder whose lock is free is the remains of a supervisor that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.host.local import supervisor
from harness.host.local.account import Account

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a random name and the mode 0700 is made in it
"""The file system in memory that Linux has."""
BASE_BYTES = 60
"""The longest path of a folder for servers: that of a socket in one of these has at most 107 bytes, 103 on macOS."""
NEW_S = 5.0
"""The age, in seconds, below which a folder whose lock was never held may be that of a supervisor that is just starting."""
REMOVE_S = 30.0


@dataclass(frozen=True, slots=True)
class Description:
    """The description of a server, which is in its folder: what later runs and ``harness doctor`` must know of it.

    ``source`` is the source of its programs, for people, ``parts`` the folder of its scripts, ``environment`` that of its
    ``ServerSpec``.
    """

    run: str
    host: str
    role: str
    engine: str
    version: str
    address: str
    port: int
    source: str
    is_held: bool
    parts: str = ""
    folders: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def as_text(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Found:
    """A server's folder. ``pid`` is that of its supervisor, ``None`` if that has ended. ``description`` is ``None`` where it
    cannot be read.
    """

    path: Path
    pid: int | None
    description: Description | None


def bases(*, is_on_disk: bool) -> tuple[Path, ...]:
    """The folders in which a server's may be made, the best first."""
    temporary = dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")))  # noqa: S108
    short = (each for each in temporary if len(os.fsencode(each)) <= BASE_BYTES)
    return (*(() if is_on_disk else (MEMORY,)), *short)


def find(account: Account) -> Iterator[Found]:
    """The folders of the servers of *account* on this machine."""
    for base in dict.fromkeys(bases(is_on_disk=False)):
        with contextlib.suppress(OSError):
            for path in sorted(base.glob(f"{supervisor.PREFIX}*")):
                with contextlib.suppress(OSError):
                    if path.is_symlink() or path.stat().st_uid != account.uid:
                        continue
                    yield Found(path, _supervisor(path), read(path))


def read(path: Path) -> Description | None:
    """The description of the server in the folder *path*."""
    try:
        content = json.loads((path / supervisor.RECORD).read_text(encoding="utf-8"))
        return Description(**{**content, "folders": tuple(content["folders"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _supervisor(path: Path) -> int | None:
    """The process id of the supervisor of the folder *path*; 0 for one that is just starting, ``None`` for one that ended."""
    try:
        with (path / supervisor.LOCK).open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or b"0")
            if file.read():
                # it had begun: nobody else writes into the file, and a lock is free once its owner has ended
                return None
    except FileNotFoundError:
        pass
    return 0 if time.time() - path.stat().st_ctime < NEW_S else None


def is_alive(path: Path) -> bool:
    """Whether the supervisor of the folder *path* runs."""
    try:
        return _supervisor(path) is not None
    except OSError:
        return False


def remove(account: Account, paths: Sequence[Path]) -> list[Path]:
    """End the processes of the servers in the folders *paths* and remove these; returns those that are still there.

    A process with the rights of *account* does it, which sees the working directories of the servers' processes.
    """
    if paths:
        command = supervisor.command("remove", *account.options, *map(str, paths))
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=REMOVE_S, check=False)
    return [path for path in paths if path.exists()]


def remove_abandoned(account: Account) -> list[Path]:
    """Remove the folders and processes of servers whose supervisor was killed; returns the folders that were removed."""
    left = [found.path for found in find(account) if found.pid is None]
    still = remove(account, left)
    return [path for path in left if path not in still]


def memory_bytes() -> int:
    """The bytes that servers may take in memory on this machine; 0 where it has no file system in memory."""
    try:
        status = os.statvfs(MEMORY)
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            available = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 0
    if not os.access(MEMORY, os.W_OK | os.X_OK):
        return 0
    return min(status.f_bavail * status.f_frsize, available)
