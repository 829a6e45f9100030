"""The files of a project that the commands of an installation read, and the paths outside of it that pip cannot have."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ProjectError
from harness.host.project.files import FOLDER, leads_out, missing_submodules
from harness.host.project.installers import names_folders
from harness.host.project.packaging_files import (
    PackagingFiles,
    PipArguments,
    is_path,
    local_path,
    pip_arguments,
    place_of,
    requirement_lines,
)

_DECLARING = ("pyproject.toml", "setup.cfg", "setup.py")
_PIPENV = ("Pipfile", "Pipfile.lock")
_LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml")
_SETTINGS = ("uv.toml", "poetry.toml", "pdm.toml", ".python-version")
_WITHOUT_PROJECT = frozenset({"--no-root", "--no-install-project", "--no-self"})
"""With these options, Poetry, uv and PDM read the declared dependencies and leave the project's own code out."""
_PIP = re.compile(r"^(?:python3?\s+-m\s+|uv\s+)?pip3?\s+install\b")
_OPTIONS = frozenset({"-q", "--quiet", "-v", "--verbose", "--pre", "--no-deps", "--no-build-isolation"})
"""The options of ``pip install`` with which a second run on top of the first has the result of one run."""
_ROOTS = re.compile(r"file:/*\$\{PROJECT_ROOT\}|\{root:uri\}")
"""The variables of packaging tools for the project's root."""


def files_read(root: Path, commands: Iterable[str], top: Path | None = None) -> tuple[str, ...] | None:
    """The files of *top* that *commands* can read, relative to *root*, sorted; ``None`` when it may be any of them.

    *top* is *root*, where the commands run, or a folder above it.
    """
    found: set[str] = set()
    for command in commands:
        if _reads_declarations(root, command):
            found.update(packaging_files(root, command.split()[0]))
            continue
        named = _read_by_pip(command)
        if named is None or not all(_closure(root, name, found, top or root) for name in named):
            return None
    return tuple(sorted(found))


def ends_in_pip_install(command: str) -> bool:
    """Whether words behind *command* would be arguments of a ``pip install``, which reads no lock."""
    last = command.rpartition("&&")[2].strip()
    words = _words(last) or ["#"]
    return _PIP.match(last) is not None and not any(word.startswith("#") or word == "pylock.toml" for word in words)


def packaging_files(root: Path, tool: str = "") -> list[str]:
    """The packaging, lock and settings files of *root*; those that *tool* reads if it leaves the project's own code out."""
    names: tuple[str, ...] = (*_DECLARING, *_PIPENV, *_LOCKS, *_SETTINGS)
    if tool == "pipenv":
        names = _PIPENV
    elif tool:
        names = ("pyproject.toml", *_LOCKS, *_SETTINGS)
    return [name for name in names if (root / name).is_file()]


@dataclass(frozen=True, slots=True)
class LocalPackages:
    """The folders of a project that ``pip install`` takes packages from, often the project itself.

    ``words`` are the arguments that name them, ``files`` the requirements and constraints files beside them.
    """

    words: tuple[str, ...]
    files: tuple[str, ...]


def local_packages(root: Path, commands: Iterable[str]) -> LocalPackages | None:
    """The packages in folders of *root* that *commands* install.

    ``None`` without any, and where a command does more than that: it is another one than ``pip install``, or takes packages
    from archives or a branch of a repository, which can change while their name does not.
    """
    words: list[str] = []
    files: set[str] = set()
    for command in commands:
        arguments = _pip_install(command)
        options = () if arguments is None else (word for word in arguments.others if word.startswith("-"))
        if arguments is None or command.strip().startswith("uv") or not _OPTIONS.issuperset(options):
            return None
        lines = [line for file in arguments.files if "://" not in file for line in requirement_lines(root, file)]
        more = [pip_arguments(line.text.split()) for line in lines if line.text.startswith("-")]
        every = [arguments, *(each for each in more if each is not None)]
        editables = [place for each in every for place in each.editables]
        texts = [*arguments.others, *(line.text for line in lines if not line.text.startswith("-"))]
        if any(map(local_path, [place for each in every for place in each.places])):
            return None
        if None in more or any("git+" in text for text in (*editables, *texts)):
            return None
        texts = [text for text in texts if is_path(text) and not text.startswith("-")]
        if not all((root / local_path(place)).is_dir() for place in (*editables, *map(place_of, texts))):
            return None
        words += [*(word for place in editables for word in ("-e", place)), *texts]
        files.update(line.file for line in lines)
    return LocalPackages(tuple(words), tuple(sorted(files))) if words else None


def _reads_declarations(root: Path, command: str) -> bool:
    """Whether *command* reads packaging, lock and settings files of the project's root and nothing else."""
    words = _words(command) or [""]
    if words[0] == "pipenv":
        is_one = len(words) > 1 and words[1] in ("sync", "install")
    else:
        is_one = words[0] in ("poetry", "uv", "pdm") and not _WITHOUT_PROJECT.isdisjoint(words)
    if not is_one or any("/" in word or (root / word).exists() for word in words[1:]):
        return False
    return not names_folders(PackagingFiles(root))


def _read_by_pip(command: str) -> list[str] | None:
    """The requirements files that a ``pip install`` reads; ``None`` for any other command, and where it installs a path."""
    arguments = _pip_install(command)
    if arguments is None or arguments.editables or any(map(local_path, arguments.places)):
        return None
    if any(is_path(word) for word in arguments.others if not word.startswith("-")):
        return None
    groups = [group.rpartition(":")[0] or "pyproject.toml" for group in arguments.groups]
    return [*(file for file in arguments.files if "://" not in file), *groups]


def _pip_install(command: str) -> PipArguments | None:
    """The arguments of a ``pip install``; ``None`` for any other command."""
    words = _words(command)
    if words is None or not _PIP.match(command.strip()):
        return None
    return pip_arguments(words[words.index("install") + 1 :])


def _words(command: str) -> list[str] | None:
    """The words of a command; ``None`` if a shell would do more than run one program."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    with contextlib.suppress(ValueError):
        words = list(lexer)
        if "\n" not in command and not any(re.search(r"[$`]|^[();<>|&]+$", word) for word in words):
            return words
    return None


def _closure(root: Path, name: str, found: set[str], top: Path) -> bool:
    """Add the requirements file *name* and those that it names to *found*; returns whether it needs nothing else of *top*."""
    path = (root / name).resolve()
    if not path.is_relative_to(top.resolve()):
        return False
    relative = Path(os.path.relpath(path, root.resolve())).as_posix()
    if relative in found or not path.is_file():
        return True
    found.add(relative)
    if path.suffix == ".toml":  # dependency groups and locks name no further files
        return True
    for line in requirement_lines(root, relative, top):
        found.add(line.file)
        target = line.local_target
        if target and (not line.included or leads_out(root, target, top)):
            return False
        if target and (root / target).is_file():
            found.add(target)
    return True


def in_container(root: Path, texts: Iterable[str], declared_in: str, place: str, top: Path) -> list[str]:
    """The requirements *texts* with *place*, the container's folder of *root*, instead of the variables for it.

    Raises ``ProjectError`` for a path outside of *top*.
    """
    check_places(root, (text for text in texts if "file:" in text), declared_in, top)
    return [_ROOTS.sub(f"file://{place}", text) for text in texts if text.strip()]


def check_places(root: Path, places: Iterable[str], declared_in: str, top: Path) -> None:
    """Raise ``ProjectError`` for one of *places*, which *declared_in* in *root* names, that *top* does not bring."""
    for place in places:
        named = re.search(r"(?:file:|\{root:)[^\s;]*", place)
        target = local_path(_ROOTS.sub(".", named[0] if named else place))
        _check(root, target, f"{declared_in} names {target}", top)


def check_files(root: Path, names: Iterable[str], top: Path) -> None:
    """Raise ``ProjectError`` for a path that *top* does not bring, in the requirements files *names* of *root* and those they
    include.
    """
    for name in names:
        if (root / name).is_symlink():
            target = os.path.relpath(os.path.realpath(root / name), os.path.realpath(root))
            _check(root, target, f"{name} is a link to {target}", top)
        for line in requirement_lines(root, name, top):
            is_conditional = ";" in line.text and not line.included
            message = f"{line.file} names {line.local_target} ({line.text!r})"
            _check(root, line.local_target, message, top, needs_content=not is_conditional)


def _check(root: Path, target: str, message: str, top: Path, *, needs_content: bool = True) -> None:
    """Raise ``ProjectError`` for *target*, seen from *root*, that is outside of *top*, or a submodule that is not checked
    out; *message* begins the error.
    """
    if _is_outside(root, target, top):
        raise _outside(root, target, message, top)
    folder = Path(os.path.normpath(root / target))
    if target and needs_content and folder != root and not (folder.is_dir() and any(folder.iterdir())):
        for submodule in missing_submodules(top):
            if folder.is_relative_to(top / submodule):
                raise ProjectError(
                    f"{message}, which is in a git submodule that is not checked out.",
                    hint=f"Run: git -C {top} submodule update --init {submodule}",
                )


def _is_outside(root: Path, place: str, top: Path) -> bool:
    """Whether *place*, seen from *root*, is neither below *top* nor in the image's folder of the project."""
    if Path(place).is_absolute() or place.startswith("~"):
        return not Path(place).is_relative_to(FOLDER)
    return leads_out(root, place, top)


def _outside(root: Path, target: str, message: str, top: Path) -> ProjectError:
    """The error for *target*, seen from *root*, which is outside of *top*."""
    hint = "Name commands that take it from elsewhere with [tool.harness] install, or its wheel with pip_find_links."
    there = Path(os.path.normpath(root / target))
    common = Path(os.path.commonpath([root, there]))
    if there.exists() and common != Path("/"):
        place = Path(os.path.relpath(common, root)).as_posix()
        hint = (
            f'Bring {common}, which holds both, to the tests: [tool.harness] root = "{place}" in {root / "pyproject.toml"}.'
            " Or name its wheel with pip_find_links."
        )
    folder = f"the project's folder {root}" if top == root else f"root, {top}"
    return ProjectError(f"{message}, which is outside of {folder}: only what is in it reaches the image.", hint=hint)
