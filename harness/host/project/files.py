"""The files of the project under test: their list, and the tar in which they are copied to a container.

Owns the choice of a project's files; ``dependencies`` finds its dependencies. Asks git, and writes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from harness.errors import ProjectError, UsageError
from harness.protocol.events import AttemptFinished, Event, RunAborted

RUNNER_UID = 10001
RUNNER_NAME = "runner"
FOLDER = "/project"
"""The project's folder in a container."""
REPOSITORY = "/home/runner/repository"
"""The folder in a container for the files of the project's repository, where these name its dependencies."""

GIT_DEADLINE_S = 60
_NEVER = frozenset({".git", "__pycache__", "node_modules"})
# Git sets these for its hooks' own repository, and our git commands would then use that one.
_GIT_VARIABLES = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_PREFIX",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_NAMESPACE",
    }
)


def project_files(root: Path, exclude: Iterable[Path] = (), include: Iterable[str] = ()) -> list[str]:
    """The files and links of the project in *root*, relative to it, sorted.

    Those that git tracks or does not ignore, with submodules; where there is no git, or git ignores the whole folder,
    everything but caches, ``node_modules`` and virtual environments. *include* are patterns of further files, *exclude*
    folders that never belong to it: the artifacts. Raises ``ProjectError`` when git is there and fails, and ``UsageError``
    for a pattern that fits no file.
    """
    excluded = {Path(os.path.normpath(root / path)) for path in exclude}
    listed = {*(_listed_by_git(root) or _walked(root)), *_included(root, include)}
    return sorted(
        name
        for name in listed
        if excluded.isdisjoint((root / name, *(root / name).parents)) and _is_carried(root / name)
    )


def _included(root: Path, patterns: Iterable[str]) -> Iterator[str]:
    """The files that *patterns* fit, and all files of folders that they fit."""
    for pattern in patterns:
        path = PurePosixPath(pattern)
        if path.is_absolute() or ".." in path.parts:
            raise UsageError(
                f"include has {pattern!r}, which leads out of the project.",
                hint="Name files below the project's folder.",
            )
        found = sorted(root.glob(pattern))
        if not found:
            raise UsageError(
                f"include has {pattern!r}, which fits no file in {root}.",
                hint="Correct the pattern, make the file, or leave it out of include in [tool.harness].",
            )
        for place in found:
            inner = place.rglob("*") if place.is_dir() else (place,)
            yield from (each.relative_to(root).as_posix() for each in inner if not each.is_dir())


def missing_files(event: Event) -> set[str]:
    """The files of the project that *event* reports as not found, relative to its folder."""
    match event:
        case RunAborted(missing_file=name) if name:
            return {name}
        case AttemptFinished(failures=failures):
            return {each.missing_file for each in failures if each.missing_file}
    return set()


def left_behind(
    root: Path, names: Iterable[str], exclude: Iterable[Path] = (), include: Iterable[str] = ()
) -> list[str]:
    """Those of *names*, relative to *root*, that exist and do not belong to ``project_files``, sorted."""
    here = sorted(name for name in names if (root / name).exists())
    carried = set(project_files(root, exclude, include)) if here else set()
    return [name for name in here if name not in carried and not (root / name).is_dir()]


def missing_submodules(root: Path) -> list[str]:
    """The folders of git's submodules in *root* that are empty: they have not been fetched."""
    missing = []
    for top in (root, *root.parents):
        if (top / ".gitmodules").is_file():
            text = (top / ".gitmodules").read_text("utf-8", "replace")
            for place in re.findall(r"(?m)^\s*path\s*=\s*(.+?)\s*$", text):
                folder = top / place
                if folder.is_relative_to(root) and not (folder.is_dir() and any(folder.iterdir())):
                    missing.append(folder.relative_to(root).as_posix())
        if (top / ".git").exists():
            break
    return missing


def fingerprints(root: Path, names: Iterable[str]) -> dict[str, bytes]:
    """A digest of the content of each existing file of *names*; of a link, its target."""
    found: dict[str, bytes] = {}
    for name in names:
        path = root / name
        with contextlib.suppress(FileNotFoundError):
            if path.is_symlink():
                found[name] = b"link " + os.fsencode(path.readlink())
            else:
                with path.open("rb") as content:
                    found[name] = hashlib.file_digest(content, "sha256").digest()
    return found


def project_tar(root: Path, names: Iterable[str], target: IO[bytes], place: str = "") -> None:
    """Write the files *names*, relative to *root*, to *target* as a tar whose every member belongs to the runner.

    *place* is their folder in the tar. Links stay links. A file that no longer exists is left out. Raises ``ValueError`` for
    a name that leads out of *root*.
    """
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folders: set[str] = set()
        for name in names:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{name} leads out of the project")
            # The engine makes missing folders as root, and the runner could not write beside its files.
            for parent in reversed(path.parents if place else path.parents[:-1]):
                if str(parent) not in folders:
                    folders.add(str(parent))
                    tar.addfile(_owned(tar.gettarinfo(root / parent, arcname=str(PurePosixPath(place) / parent))))
            _add(tar, root, name, str(PurePosixPath(place) / name))


def _add(tar: tarfile.TarFile, root: Path, name: str, arcname: str) -> None:
    try:
        member = _owned(tar.gettarinfo(root / name, arcname=arcname))
        # tarfile stores a second hard link as a link to the first
        if member.islnk():
            member.type, member.linkname = tarfile.REGTYPE, ""
            member.size = (root / name).stat().st_size
        if not member.isreg():
            tar.addfile(member)
            return
        with (root / name).open("rb") as content:
            tar.addfile(member, content)
    except FileNotFoundError:
        return


def _owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = RUNNER_UID
    member.uname = member.gname = RUNNER_NAME
    member.mode |= stat.S_IRUSR | stat.S_IWUSR | (stat.S_IXUSR if member.isdir() else 0)
    return member


def _is_carried(path: Path) -> bool:
    """Whether *path* is a regular file or a link, not a socket or a pipe."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def _listed_by_git(root: Path) -> list[str]:
    """The files that git lists below *root*; empty where there is no repository."""
    if not any((folder / ".git").exists() for folder in (root, *root.resolve().parents)):
        return []
    names: list[str] = []
    for name in _git_ls_files(root):
        path = root / name
        if not path.is_dir() or path.is_symlink():
            names.append(name)
        elif (path / ".git").exists():
            # for a submodule, or a repository inside this one, git lists the folder alone: list its files with its own git
            names.extend(f"{name.rstrip('/')}/{inner}" for inner in _listed_by_git(path))
    return names


def _git_ls_files(root: Path) -> list[str]:
    # Containers of CI systems often have the checkout under another user, hence safe.directory; fsmonitor would run a
    # program of the repository.
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "ls-files"]
    options = ["-z", "--cached", "--others", "--exclude-standard"]
    environment = {name: value for name, value in os.environ.items() if name not in _GIT_VARIABLES}
    try:
        done = subprocess.run(
            [*command, *options], cwd=root, env=environment, capture_output=True, timeout=GIT_DEADLINE_S, check=True
        )
    except FileNotFoundError:
        return []  # no git on this machine: use all files of the folder
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or str(error).encode()
        raise ProjectError(
            f"git could not list the project's files in {root}.",
            hint="Mend the repository ('git ls-files' there should work), or bring a folder without .git.",
            evidence=os.fsdecode(output).strip(),
        ) from error
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        linked = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [
            name
            for name in folders
            if name not in _NEVER and name not in linked and not (here / name / "pyvenv.cfg").exists()
        ]
        for name in [*files, *linked]:
            if not name.endswith(".pyc") and name != ".git":
                yield (here / name).relative_to(root).as_posix()
