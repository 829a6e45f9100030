"""The files of a project that the commands of an installation read, and the paths outside of it that pip cannot have."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from harness.errors import ProjectError
from harness.host.project.files import FOLDER
from harness.host.project.installers import names_folders
from harness.host.project.packaging_files import PackagingFiles, is_path, local_path, pip_arguments, requirement_lines

_DECLARING = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile")
_LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
_SETTINGS = ("uv.toml", "poetry.toml", "pdm.toml", ".python-version")
_WITHOUT_PROJECT = frozenset({"--no-root", "--no-install-project", "--no-self"})
"""With these options, Poetry, uv and PDM read the declared dependencies and leave the project's own code out."""
_PIP = re.compile(r"^(?:python3?\s+-m\s+|uv\s+)?pip3?\s+install\b")
_ROOTS = re.compile(r"file:/*\$\{PROJECT_ROOT\}|\{root:uri\}")
"""The variables of packaging tools for the project's root."""


def files_read(root: Path, commands: Iterable[str]) -> tuple[str, ...] | None:
    """The files of *root* that *commands* can read, sorted; ``None`` when it may be any of them."""
    found: set[str] = set()
    for command in commands:
        if _reads_declarations(root, command):
            found.update(packaging_files(root))
            continue
        named = _read_by_pip(command)
        if named is None or not all(_closure(root, name, found) for name in named):
            return None
    return tuple(sorted(found))


def packaging_files(root: Path) -> list[str]:
    """The packaging, lock and settings files of *root*."""
    return [name for name in (*_DECLARING, *_LOCKS, *_SETTINGS) if (root / name).is_file()]


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
    words = _words(command)
    if words is None or not _PIP.match(command.strip()):
        return None
    arguments = pip_arguments(words[words.index("install") + 1 :])
    if arguments is None or arguments.editables or any(map(local_path, arguments.places)):
        return None
    if any(is_path(word) for word in arguments.others if not word.startswith("-")):
        return None
    groups = [group.rpartition(":")[0] or "pyproject.toml" for group in arguments.groups]
    return [*(file for file in arguments.files if "://" not in file), *groups]


def _words(command: str) -> list[str] | None:
    """The words of a command; ``None`` if a shell would do more than run one program."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    with contextlib.suppress(ValueError):
        words = list(lexer)
        if "\n" not in command and not any(re.search(r"[$`]|^[();<>|&]+$", word) for word in words):
            return words
    return None


def _closure(root: Path, name: str, found: set[str]) -> bool:
    """Add the requirements file *name* and those that it names to *found*; returns whether it needs nothing else of *root*."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        return False
    relative = path.relative_to(root.resolve()).as_posix()
    if relative in found or not path.is_file():
        return True
    found.add(relative)
    if path.suffix == ".toml":  # dependency groups and locks name no further files
        return True
    for line in requirement_lines(root, relative):
        found.add(line.file)
        target = line.local_target
        if target and (not line.included or target.startswith(("..", "/"))):
            return False
        if target and (root / target).is_file():
            found.add(target)
    return True


def in_container(root: Path, texts: Iterable[str], declared_in: str, place: str) -> list[str]:
    """The requirements *texts* with *place*, the container's folder of *root*, instead of the variables for it.

    Raises ``ProjectError`` for a path outside of the project.
    """
    check_places(root, (text for text in texts if "file:" in text), declared_in)
    return [_ROOTS.sub(f"file://{place}", text) for text in texts if text.strip()]


def check_places(root: Path, places: Iterable[str], declared_in: str) -> None:
    """Raise ``ProjectError`` for one of *places*, which *declared_in* names, that is outside of the project."""
    for place in places:
        named = re.search(r"(?:file:|\{root:)[^\s;]*", place)
        target = local_path(_ROOTS.sub(".", named[0] if named else place))
        if _is_outside(target):
            raise _outside(root, target, f"{declared_in} names {target}", "")


def check_files(root: Path, names: Iterable[str]) -> None:
    """Raise ``ProjectError`` for a path outside of the project in the requirements files *names* and those they include."""
    for line in (line for name in names for line in requirement_lines(root, name)):
        if _is_outside(line.local_target):
            message = f"{line.file} names {line.local_target} ({line.text!r})"
            raise _outside(root, line.local_target, message, f"pip install -r {line.file}")


def _is_outside(place: str) -> bool:
    """Whether *place* is not below the project's folder, on this machine or in the image."""
    if Path(place).is_absolute() or place.startswith("~"):
        return not Path(place).is_relative_to(FOLDER)
    return os.path.normpath(place).startswith("..")


def _outside(root: Path, target: str, message: str, command: str) -> ProjectError:
    """The error for *target*, which lies outside the project; *command* is the rest of the installation's command."""
    hint = "Name commands that take it from elsewhere with [tool.harness] install, or its wheel with pip_find_links."
    there = Path(os.path.normpath(root / target))
    common = Path(os.path.commonpath([root, there]))
    if there.exists() and common != Path("/"):
        inner = root.relative_to(common).as_posix()
        example = f"cd {inner} && {command}" if command else f"pip install ./{there.relative_to(common)} ..."
        hint = (
            f"Run in {common}, which holds both: harness ci {inner} --settings MODULE, with a pyproject.toml there that says"
            f' [tool.harness] env = {{ PYTHONPATH = "{inner}" }} and install = ["{example}"]. Or name its wheel with'
            " pip_find_links."
        )
    return ProjectError(
        f"{message}, which is outside of the project's folder {root}: only what is in it reaches the image.", hint=hint
    )
