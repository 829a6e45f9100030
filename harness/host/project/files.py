"""The files of the project under test: their list, and the tar in which they are copied to a container.

Owns the choice of a project's files; ``dependencies`` finds its dependencies. Asks git, and writes nothing.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import itertools
import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from harness.errors import ProjectError, UsageError

RUNNER_UID = 10001
RUNNER_NAME = "runner"
FOLDER = "/project"
"""The project's folder in a container."""
REPOSITORY = "/home/runner/repository"
"""The folder in a container for the files of the project's repository, where these name its dependencies."""

GIT_DEADLINE_S = 60
_NEVER = frozenset(
    {
        *(".git", ".hg", ".svn", "__pycache__", "node_modules", ".tox", ".nox"),
        *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
    }
)
_NEW, _SPARSE = "?", "S"
"""Tags of git: a file that it does not track, and one that a sparse checkout may leave out."""
_MOST_CANDIDATES = 20_000
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


@dataclass(frozen=True, slots=True)
class Listing:
    """The files and links of a folder that the tests get, relative to it, sorted.

    ``submodules`` are git's submodules in it that are not checked out, ``not_checked_out`` files that a sparse checkout
    leaves out, ``unreadable`` files that this user may not read. None of these are among ``names``.
    """

    names: tuple[str, ...]
    submodules: tuple[str, ...] = ()
    not_checked_out: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def project_files(
    root: Path, exclude: Iterable[Path] = (), include: Iterable[str] = (), folder: Path | None = None
) -> list[str]:
    """The ``names`` of ``list_files``."""
    return list(list_files(root, exclude, include, folder).names)


def list_files(
    root: Path, exclude: Iterable[Path] = (), include: Iterable[str] = (), folder: Path | None = None
) -> Listing:
    """The files of *root* that the tests get.

    Those that git tracks or does not ignore, with submodules; where there is no git, or git ignores the whole folder,
    everything. Caches, ``node_modules``, virtual environments and the folders of version control belong only where git tracks
    them. *include* are patterns of further files, seen from *folder*, which is *root* or below it; *exclude* are folders that
    never belong: the artifacts. Raises ``ProjectError`` when git is there and fails, and ``UsageError`` for a pattern that
    fits no file.
    """
    excluded = {Path(os.path.normpath(root / path)) for path in exclude}
    tracked = _listed_by_git(root)
    found = tracked.names if tracked.names else _walked(root)
    listed = {*found, *_included(root, folder or root, include)}
    kept = [name for name in sorted(listed) if excluded.isdisjoint((root / name, *(root / name).parents))]
    modes = {name: _mode(root / name) for name in kept}
    files = [name for name in kept if stat.S_ISREG(modes[name]) or stat.S_ISLNK(modes[name])]
    unreadable = [name for name in files if stat.S_ISREG(modes[name]) and not os.access(root / name, os.R_OK)]
    return Listing(
        tuple(name for name in files if name not in set(unreadable)) if unreadable else tuple(files),
        tracked.submodules,
        tracked.not_checked_out,
        tuple(unreadable),
    )


def _included(root: Path, folder: Path, patterns: Iterable[str]) -> Iterator[str]:
    """The files below *root* that *patterns*, seen from *folder*, fit, and all files of folders that they fit."""
    for pattern in patterns:
        shown = root if folder == root else f"{root}, which root brings"
        if PurePosixPath(pattern).is_absolute() or leads_out(folder, pattern, root):
            raise UsageError(
                f"include has {pattern!r}, which leads out of {shown}.",
                hint="Name files by paths from the project's folder; root in [tool.harness] brings those beside it.",
            )
        relative = os.path.relpath(os.path.normpath(folder / pattern), root)
        try:
            found = sorted(_matches(root, PurePosixPath(relative).parts))
        except ValueError as error:
            raise UsageError(
                f"include has {pattern!r}, which is no pattern: {error}",
                hint="A pattern is a path with *, ?, [abc], or ** in the place of folders: locale/**/*.mo.",
            ) from error
        names = {name for place in found for name in _files_in(root, place)}
        if not names:
            near = difflib.get_close_matches(relative, _candidates(root, relative), n=1)
            advice = f"Did you mean {os.path.relpath(root / near[0], folder)!r}? " if near else ""
            what = "folders without files" if found else "no file"
            raise UsageError(
                f"include has {pattern!r}, which fits {what} in {folder}.",
                hint=f"{advice}Correct the pattern, make the file, or leave it out of include in [tool.harness].",
            )
        yield from names


def _matches(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """The files and folders below *folder* that the *parts* of a pattern fit; ``**`` enters no cache and no environment."""
    if "**" not in parts:
        yield from folder.glob("/".join(parts)) if parts else [folder]
        return
    place = parts.index("**")
    rest = parts[place + 1 :]
    for start in folder.glob("/".join(parts[:place])) if place else [folder]:
        for inner, _, files in _pruned_walk(start):
            if rest:
                yield from _matches(inner, rest)
            else:
                yield from (inner / name for name in files)


def _files_in(root: Path, place: Path) -> Iterator[str]:
    """*place*, or all files in it if it is a folder, relative to *root*; those behind a link by their own path."""
    real = Path(os.path.realpath(place.parent), place.name)
    if not real.is_relative_to(root):
        raise UsageError(
            f"include has {place}, which is behind a link to {real.parent}, outside of {root}.",
            hint='root in [tool.harness] brings a folder around the project: root = "..".',
        )
    inner = real.rglob("*") if real.is_dir() and not real.is_symlink() else (real,)
    yield from (each.relative_to(root).as_posix() for each in inner if each.is_symlink() or not each.is_dir())


def _candidates(root: Path, pattern: str) -> list[str]:
    """The files that *pattern* may have meant, with their folders: those of its folder, or all."""
    folder = root / PurePosixPath(pattern).parent
    if folder.is_dir() and any(near := [each.relative_to(root).as_posix() for each in folder.iterdir()]):
        return near
    names = itertools.islice(_walked(root), _MOST_CANDIDATES)
    return list(dict.fromkeys(each for name in names for each in (name, PurePosixPath(name).parent.as_posix())))


def leads_out(folder: Path, place: str, top: Path) -> bool:
    """Whether the path *place*, seen from *folder*, is not in *top*, a folder around *folder*."""
    return not Path(os.path.normpath(folder / place)).is_relative_to(top)


def missing_submodules(root: Path) -> list[str]:
    """The folders of git's submodules in *root* that are not checked out; where git fails, those of ``.gitmodules``."""
    try:
        return list(_listed_by_git(root).submodules)
    except ProjectError:
        return _missing_by_gitmodules(root)


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


def project_tar(
    root: Path, names: Iterable[str], target: IO[bytes], place: str = "", *, has_place: bool = True
) -> None:
    """Write the files *names*, relative to *root*, to *target* as a tar whose every member belongs to the runner.

    *place* is their folder in the tar, which has no entry for it without *has_place*. Links stay links, those into *root*
    relative ones. A file that no longer exists is left out. Raises ``ValueError`` for a name that leads out of *root*.
    """
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folders: set[str] = set()
        for name in names:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{name} leads out of the project")
            # The engine makes missing folders as root, and the runner could not write beside its files.
            for parent in reversed(path.parents if place and has_place else path.parents[:-1]):
                if str(parent) not in folders:
                    folders.add(str(parent))
                    tar.addfile(_owned(tar.gettarinfo(root / parent, arcname=str(PurePosixPath(place) / parent))))
            _add(tar, root, name, str(PurePosixPath(place) / name))


def _add(tar: tarfile.TarFile, root: Path, name: str, arcname: str) -> None:
    try:
        member = _owned(tar.gettarinfo(root / name, arcname=arcname))
        if member.issym() and PurePosixPath(member.linkname).is_relative_to(root):  # the project has another path there
            member.linkname = os.path.relpath(member.linkname, (root / name).parent)
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


def _mode(path: Path) -> int:
    """The mode of a file or link; 0 where there is none."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _listed_by_git(root: Path) -> Listing:
    """The files that git lists below *root*; none where there is no repository."""
    empty = _missing_by_gitmodules(root)
    if not any((folder / ".git").exists() for folder in (root, *root.resolve().parents)):
        return Listing((), tuple(empty))
    names: list[str] = []
    left_out: list[str] = []
    environments: dict[Path, bool] = {}
    for tag, name in _git_ls_files(root):
        path = root / name
        if tag == _NEW and _is_pruned(root, PurePosixPath(name), environments):
            continue
        if tag == _SPARSE and not path.exists():
            left_out.append(name)
        elif not path.is_dir() or path.is_symlink():
            names.append(name)
        elif (path / ".git").exists():
            # for a submodule, or a repository inside this one, git lists the folder alone: list its files with its own git
            inner = _listed_by_git(path)
            prefix = name.rstrip("/")
            names += (f"{prefix}/{each}" for each in inner.names)
            empty += (f"{prefix}/{each}" for each in inner.submodules)
        elif any(path.iterdir()):  # a submodule that was copied without its .git
            names += (f"{name.rstrip('/')}/{each}" for each in _walked(path))
        else:
            empty.append(name.rstrip("/"))
    return Listing(tuple(names), tuple(dict.fromkeys(empty)), tuple(left_out))


def _is_pruned(root: Path, name: PurePosixPath, environments: dict[Path, bool]) -> bool:
    """Whether the untracked file *name* is in a folder that does not belong; *environments* keeps what was found."""
    for parent in name.parents:
        if parent.name in _NEVER:
            return True
        folder = root / parent
        if folder not in environments:
            environments[folder] = folder != root and _is_environment(folder)
        if environments[folder]:
            return True
    return False


def _is_environment(folder: Path) -> bool:
    """Whether *folder* is a virtual environment, of venv or of conda."""
    return (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir()


def _missing_by_gitmodules(root: Path) -> list[str]:
    """The folders that ``.gitmodules`` names in *root* and that are empty, or are not there at all."""
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


def _git_ls_files(root: Path) -> list[tuple[str, str]]:
    """The files that git lists below *root*, each behind its tag: ``_NEW``, ``_SPARSE``, or another letter if it is tracked."""
    # Containers of CI systems often have the checkout under another user, hence safe.directory; fsmonitor would run a
    # program of the repository.
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "ls-files"]
    options = ["-z", "-t", "--cached", "--others", "--exclude-standard"]
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
    entries = [os.fsdecode(entry) for entry in done.stdout.split(b"\0") if entry]
    return list(dict.fromkeys((entry[0], entry[2:]) for entry in entries))  # a file in conflict has several entries


def _walked(root: Path) -> Iterator[str]:
    for here, linked, files in _pruned_walk(root):
        for name in [*files, *linked]:
            if not name.endswith(".pyc") and name != ".git":
                yield (here / name).relative_to(root).as_posix()


def _pruned_walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder below *root* that may belong to a project, with the names of its linked folders and of its files."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        linked = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [
            name for name in folders if name not in _NEVER and name not in linked and not _is_environment(here / name)
        ]
        yield here, linked, files
