"""Reads a project's packaging files: ``pyproject.toml``, ``setup.cfg``, ``setup.py``, ``Pipfile``, requirements files.

Each reader of a project's declarations reads them here. Runs nothing.
"""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import ProjectError


class PackagingFiles:
    """The packaging files in *root*, each read when it is first asked for.

    A missing file is empty. The properties raise ``ProjectError`` for a file that cannot be parsed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def pyproject(self) -> Mapping[str, Any]:
        return self._toml("pyproject.toml")

    @cached_property
    def pipfile(self) -> Mapping[str, Any]:
        return self._toml("Pipfile")

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

    def _toml(self, name: str) -> Mapping[str, Any]:
        try:
            return tomllib.loads((self.root / name).read_text("utf-8")) if self.has(name) else {}
        except ValueError as error:
            raise self._unparsable(name, error) from error

    def _unparsable(self, name: str, error: Exception) -> ProjectError:
        return ProjectError(
            f"{name} of the project cannot be parsed.",
            hint=f"Correct {self.root / name}, or say with [tool.harness] install how the dependencies are installed.",
            evidence=str(error),
        )


def table_in(parent: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The table at the keys *names* below *parent*; empty if there is none."""
    value: Any = parent
    for name in names:
        value = value.get(name, {}) if isinstance(value, Mapping) else {}
    return value if isinstance(value, Mapping) else {}


_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?=\S))(\S+)")
_PLACE_OPTION = re.compile(
    r"(-e|--editable|-f|--find-links|-i|--index-url|--extra-index-url)(?:\s+|=|(?<=-[efi])(?=\S))(\S+)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line of a requirements file, without its comment; ``file`` is relative to the project."""

    file: str
    text: str

    @property
    def included(self) -> str:
        """The file, or its URL, that a line such as ``-r other.txt`` includes, as it is written; empty for other lines."""
        match = _INCLUDE.match(self.text)
        return match[1] if match else ""

    @property
    def local_target(self) -> str:
        """The file or folder of this machine that the line names, relative to the project unless it is absolute.

        Empty for none.
        """
        if option := _PLACE_OPTION.match(self.text):
            return local_path(option[2])
        if self.included:
            return "" if "://" in self.included else os.path.normpath(Path(self.file).parent / self.included)
        return "" if self.text.startswith("-") or not is_path(self.text) else local_path(_place(self.text))


def requirement_lines(root: Path, name: str) -> Iterator[Line]:
    """The lines of the requirements file *name* and of those that it includes, each file once.

    Files outside of *root* and missing files are not read.
    """
    seen: set[str] = set()
    queue = [name]
    while queue:
        relative = os.path.normpath(queue.pop(0))
        if relative in seen or relative.startswith("..") or not (root / relative).is_file():
            continue
        seen.add(relative)
        content = (root / relative).read_text("utf-8", "replace").replace("\\\n", " ")
        for text in content.splitlines():
            line = Line(relative, re.sub(r"(^|\s)#.*$", "", text).strip())
            if line.text:
                yield line
            if line.included and "://" not in line.included:
                queue.append((Path(relative).parent / line.included).as_posix())


def is_path(requirement: str) -> bool:
    """Whether pip would read *requirement* as a path and not as a package's name."""
    target = _place(requirement).split("[")[0].strip()
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


def _place(requirement: str) -> str:
    return requirement.split(" @ ")[-1].strip().split(";")[0].strip()
