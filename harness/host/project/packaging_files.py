"""Reads a project's packaging files: ``pyproject.toml``, ``setup.cfg``, ``setup.py``, ``Pipfile``, requirements files.

Each reader of a project's declarations reads them here. Runs nothing.
"""

from __future__ import annotations

import argparse
import configparser
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import ProjectError
from harness.host.project.files import leads_out

_DESCRIPTION = frozenset(
    {
        "version",
        "description",
        "readme",
        "license",
        "license-files",
        "authors",
        "maintainers",
        "keywords",
        "classifiers",
    }
    | {"urls", "homepage", "repository", "documentation", "scripts", "gui-scripts", "entry-points", "packages"}
)
"""The keys of ``[project]`` and of the tools' tables that describe the project and name none of its dependencies."""

_OWN_VERSION = re.compile(
    rb'(\[\[package\]\]\nname = "[^"\n]*"\n)version = "([^"\n]*)"\n(?=source = \{ (?:virtual|editable|directory) = "\." \})'
)
"""The version of the project itself in ``uv.lock``."""
_CONSOLE_SCRIPT = re.compile(r"""(?m)(?:^|["'])\s*([\w.-]+)\s*=\s*([\w.]+:[\w.]+)""")


class PackagingFiles:
    """The packaging files in *root*, each read when it is first asked for.

    A missing file is empty. The properties raise ``ProjectError`` for a file that cannot be parsed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def pyproject(self) -> Mapping[str, Any]:
        return self.toml("pyproject.toml")

    @cached_property
    def pipfile(self) -> Mapping[str, Any]:
        return self.toml("Pipfile")

    @cached_property
    def setup_cfg(self) -> configparser.RawConfigParser:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(self.text("setup.cfg"))
        except configparser.Error as error:
            raise self._unparsable("setup.cfg", error) from error
        return parser

    def has(self, name: str) -> bool:
        return (self.root / name).is_file()

    def text(self, name: str) -> str:
        """The content of the file *name*."""
        return (self.root / name).read_text("utf-8", "replace") if self.has(name) else ""

    def table(self, *names: str) -> Mapping[str, Any]:
        """The table of ``pyproject.toml`` at the keys *names*; empty if there is none."""
        return table_in(self.pyproject, *names)

    def toml(self, name: str) -> Mapping[str, Any]:
        """The content of the TOML file *name*."""
        try:
            return tomllib.loads((self.root / name).read_text("utf-8")) if self.has(name) else {}
        except ValueError as error:
            raise self._unparsable(name, error) from error

    def declared(self, name: str) -> bytes:
        """The part of the file *name* that can decide which dependencies a tool installs, without the project itself.

        Not the project's version, its description, the tables of other tools. Any other file, or one that cannot be parsed,
        is taken as it is.
        """
        try:
            if name == "pyproject.toml":
                return json.dumps(self._declared_in_pyproject(), sort_keys=True, default=str).encode()
        except ProjectError:
            pass
        content = (self.root / name).read_bytes()
        if name == "uv.lock" and not self._has_outdated_lock:
            return _OWN_VERSION.sub(rb"\1", content)
        return content

    def _declared_in_pyproject(self) -> Mapping[str, Any]:
        described = _DESCRIPTION if not self._has_outdated_lock else _DESCRIPTION - {"version"}
        tables = {name: self.pyproject.get(name) for name in ("project", "dependency-groups", "build-system")}
        tables |= {f"tool.{name}": self.table("tool", name) for name in ("uv", "poetry", "pdm")}
        return {
            name: {key: value for key, value in table.items() if key not in described}
            for name, table in tables.items()
            if isinstance(table, Mapping)
        }

    @property
    def _has_outdated_lock(self) -> bool:
        """Whether ``uv.lock`` has another version of the project itself than ``pyproject.toml``: uv refuses it then."""
        if not self.has("uv.lock"):
            return False
        versions = {match[2].decode() for match in _OWN_VERSION.finditer((self.root / "uv.lock").read_bytes())}
        return bool(versions) and versions != {self.table("project").get("version")}

    def _unparsable(self, name: str, error: Exception) -> ProjectError:
        return ProjectError(
            f"{name} of the project cannot be parsed.",
            hint=f"Correct {self.root / name}, or say with [tool.harness] install how the dependencies are installed.",
            evidence=str(error),
        )


def console_scripts(files: PackagingFiles) -> dict[str, str]:
    """The commands that the project installs, each with its function as ``module:function``."""
    named = {**files.table("tool", "poetry", "scripts"), **files.table("project", "scripts")}
    found = {name: value for name, value in named.items() if isinstance(value, str)}
    lines = files.setup_cfg.get("options.entry_points", "console_scripts", fallback="")
    for name, target in re.findall(_CONSOLE_SCRIPT, f"{lines}\n{files.text('setup.py')}"):
        found.setdefault(name, target)
    return {name: target.partition("[")[0].strip() for name, target in found.items()}


def table_in(parent: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The table at the keys *names* below *parent*; empty if there is none."""
    value: Any = parent
    for name in names:
        value = value.get(name, {}) if isinstance(value, Mapping) else {}
    return value if isinstance(value, Mapping) else {}


def folders_above(project: Path, root: Path) -> Iterator[Path]:
    """The folders above *project* in *root* and in its repository, the nearest first."""
    folders = [project, *project.parents]
    top = next((number for number, folder in enumerate(folders) if (folder / ".git").exists()), 0)
    yield from folders[1 : max(top, folders.index(root)) + 1]


@dataclass(frozen=True, slots=True)
class PipArguments:
    """Arguments of ``pip install``, from a command or a line of a requirements file, as they are written.

    ``files`` are requirements and constraints files, ``places`` the values of ``--find-links`` and of the options for an
    index, ``others`` the requirements and the unknown options.
    """

    files: tuple[str, ...]
    places: tuple[str, ...]
    editables: tuple[str, ...]
    groups: tuple[str, ...]
    others: tuple[str, ...]


_PIP_PARSER = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
for _dest, _flags in {
    "files": ("-r", "--requirement", "-c", "--constraint", "-b", "--build-constraint"),
    "places": ("-f", "--find-links", "-i", "--index-url", "--extra-index-url"),
    "editables": ("-e", "--editable"),
    "groups": ("--group",),
}.items():
    _PIP_PARSER.add_argument(*_flags, dest=_dest, action="append", default=[])


def pip_arguments(words: Iterable[str]) -> PipArguments | None:
    """The arguments *words*; ``None`` if an option lacks its value."""
    try:
        found, others = _PIP_PARSER.parse_known_args(list(words))
    except argparse.ArgumentError:
        return None
    return PipArguments(others=tuple(others), **{name: tuple(values) for name, values in vars(found).items()})


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line of a requirements file, without its comment; ``file`` is relative to the project.

    ``included`` is the file or URL that a line such as ``-r other.txt`` includes, as it is written. ``local_target`` is the
    file or folder of this machine that the line names, relative to the project unless it is absolute. Each is empty for none.
    """

    file: str
    text: str
    included: str = ""
    local_target: str = ""


def requirement_lines(root: Path, name: str, top: Path | None = None) -> Iterator[Line]:
    """The lines of the requirements file *name* and of those that it includes, each file once.

    Files outside of *top*, which is *root* or a folder above it, and missing files are not read.
    """
    seen: set[str] = set()
    queue = [name]
    while queue:
        relative = os.path.normpath(queue.pop(0))
        if relative in seen or leads_out(root, relative, top or root) or not (root / relative).is_file():
            continue
        seen.add(relative)
        content = (root / relative).read_text("utf-8", "replace").replace("\\\n", " ")
        for text in content.splitlines():
            line = _line(relative, re.sub(r"(^|\s)#.*$", "", text).strip())
            if line.text:
                yield line
            if line.included and line.local_target:
                queue.append(line.local_target)


def _line(file: str, text: str) -> Line:
    if not text.startswith("-"):
        return Line(file, text, local_target=local_path(place_of(text)) if is_path(text) else "")
    arguments = pip_arguments(text.split())
    if arguments is None:
        return Line(file, text)
    if arguments.files:
        included = arguments.files[0]
        target = "" if "://" in included else os.path.normpath(Path(file).parent / included)
        return Line(file, text, included, target)
    return Line(file, text, local_target=next(map(local_path, arguments.places + arguments.editables), ""))


def is_path(requirement: str) -> bool:
    """Whether pip would read *requirement* as a path and not as a package's name."""
    target = place_of(requirement).split("[")[0].strip()
    if re.match(r"\w[\w+.]*://", target):
        return target.startswith("file:")
    return target.startswith(("file:", ".", "/", "~")) or "/" in target or target.endswith((".whl", ".tar.gz", ".zip"))


def local_path(place: str) -> str:
    """*place* as a path without ``file:``; empty for a URL or a repository."""
    if place.startswith("file:"):
        place = re.sub(r"^file:(//(localhost)?(?=/))?", "", place)
    elif "://" in place or re.match(r"[\w+.-]+@[\w.-]+:", place):
        return ""
    return os.path.normpath(place.split("[")[0].split("#")[0] or ".")


def place_of(requirement: str) -> str:
    """The path or URL of a *requirement* that has one, without its name and its marker."""
    return requirement.split(" @ ")[-1].strip().split(";")[0].strip()
