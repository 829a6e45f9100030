"""Lock files in the folder for temporary files, where other users can write.

A lock file of another user, or a link, is neither followed, nor emptied, nor waited for.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.errors import UsageError

WAIT_S = 1800
"""The longest wait, in seconds, for another run that makes the same thing, before making it anyway."""


@contextlib.contextmanager
def alone(name: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keep other threads and runs of this user from making *name* at the same time; calls *on_wait* once if it must wait.

    Making it twice only costs time, so the block runs without the lock after the deadline. Raises as ``lock_file``.
    """
    until = time.monotonic() + WAIT_S
    is_announced = False
    with lock_file(name) as file:
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if not is_announced:
                on_wait()
            is_announced = True
            time.sleep(0.1)
        yield


@contextlib.contextmanager
def lock_file(name: str) -> Iterator[int]:
    """A descriptor of the file *name* in this user's folder of locks, made if missing and not yet locked.

    Raises ``UsageError`` where the folder or the file is another user's, or a link.
    """
    folder = Path(tempfile.gettempdir()) / f"harness-locks-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    path = folder / re.sub(r"[/:]", "_", name)
    with contextlib.ExitStack() as opened:
        try:
            directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            opened.callback(os.close, directory)
            _check(folder, os.fstat(directory))
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(path.name, flags, 0o600, dir_fd=directory)
            opened.callback(os.close, file)
            _check(path, os.fstat(file))
        except OSError as error:  # ELOOP for a link, ENOTDIR for a file in the folder's place
            raise _not_ours(path, str(error)) from error
        yield file


def _check(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.getuid():
        raise _not_ours(path, f"it belongs to the user {status.st_uid}")
    if stat.S_ISDIR(status.st_mode):
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _not_ours(path, "other users may write to it")
    elif not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise _not_ours(path, "it is a hard link or no regular file")


def _not_ours(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"{path} cannot be this user's lock file: {reason}.",
        hint="Check its origin and remove it, or set TMPDIR to a folder of your own.",
    )
