"""The folder of the cache: files that later runs of the same user can take over, each kind in a folder of its own.

``HARNESS_CACHE`` names it, else it is ``django-ci-harness`` in the folder of the user's caches. A private folder has the mode
0700. Where root starts local servers, these run as a user without rights, who must be able to read the servers' programs: so a
readable folder has the mode 0755, and lies below ``/var/cache`` where others cannot reach the cache of root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError

VARIABLE = "HARNESS_CACHE"
NAME = "django-ci-harness"
FOR_ALL = Path("/var/cache") / NAME
"""The folder of root for programs that other users run."""

KEPT_S = 30 * 24 * 3600
"""The time, in seconds, that an entry is kept after its last use."""

PRIVATE, READABLE = 0o700, 0o755
_PASSAGE = 0o711
"""The mode of root's cache: other users reach a readable folder in it by its name, and cannot list it."""


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The folder of this user's cache. It need not exist."""
    if named := environ.get(VARIABLE):
        return Path(os.path.abspath(Path(named).expanduser()))  # noqa: PTH100 - Path has no absolute() that removes ".."
    home = Path(environ.get("HOME") or Path.home())
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / NAME


def private_folder(environ: Mapping[str, str], name: str) -> Path:
    """The folder *name* of the cache, made if missing, which no other user can read or write.

    Raises ``UsageError`` if it cannot be made, or other users could write to it.
    """
    return made(cache_folder(environ), name, PRIVATE)


def readable_folder(environ: Mapping[str, str], name: str) -> Path:
    """The folder *name* for programs that the user without rights runs, where this user is root; else as ``private_folder``.

    Raises ``UsageError`` as ``private_folder``.
    """
    cache = cache_folder(environ)
    if os.geteuid() != 0:
        return made(cache, name, PRIVATE)
    return made(cache if is_passable(cache) else FOR_ALL, name, READABLE)


def is_passable(folder: Path) -> bool:
    """Whether other users reach a file in *folder* by its path. A folder that does not exist yet will be passable."""
    for each in (folder, *folder.parents):
        try:
            mode = each.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError:
            return False
        if not mode & stat.S_IXOTH:
            return False
    return True


def made(cache: Path, name: str, mode: int) -> Path:
    """The folder *name* in *cache* with *mode*, both made if missing. Raises ``UsageError``."""
    folder = cache / name
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        _make(cache, _PASSAGE if os.geteuid() == 0 else PRIVATE)
        _make(folder, mode)
        status = folder.lstat()
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    if not stat.S_ISDIR(status.st_mode):
        raise _unusable(folder, "it is no folder")
    if status.st_uid != os.geteuid():
        raise _unusable(folder, f"it belongs to the user {status.st_uid}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _unusable(folder, "other users may write to it")
    return folder


def use(path: Path) -> None:
    """Note that *path*, an entry of a folder of the cache, is used now."""
    with contextlib.suppress(OSError):
        os.utime(path)


def prune(folder: Path, now: float) -> None:
    """Remove the entries of *folder* that no run has used for ``KEPT_S``, also what a killed one has left half-made."""
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):
            if now - entry.lstat().st_mtime <= KEPT_S:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _make(folder: Path, mode: int) -> None:
    """Make *folder* with exactly *mode*, whatever the umask is. One that is there stays as it is."""
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        return
    folder.chmod(mode)


def _unusable(folder: Path, reason: str) -> UsageError:
    return UsageError(
        f"{folder} cannot be a folder of the cache: {reason}.",
        hint=f"Remove it, or set {VARIABLE} to a folder of your own.",
    )
