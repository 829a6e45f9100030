"""The sources of packages that a project declares: the tables of uv, Poetry and PDM, read into ``Source`` and index
URLs.

Reads packaging files and runs nothing. ``sources`` beside it applies them to an installation.
"""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from packaging.utils import canonicalize_name

from harness.errors import ProjectError

PUBLIC_HOSTS = frozenset({"pypi.org", "pypi.python.org", "files.pythonhosted.org"})

Kind = Literal["path", "git", "url", "index", "unclear"]


@dataclass(frozen=True, slots=True)
class Source:
    """The source of the package *name*; ``told_by`` is the table and the file that declare it.

    ``place`` is a path relative to the project, a reference that pip takes (``git+https://...``), an index's URL, or
    words for a source that depends on something.
    """

    name: str
    kind: Kind
    place: str
    told_by: str

    def __str__(self) -> str:
        kinds = {"path": "the folder", "index": "the index"}
        return f"{kinds.get(self.kind, '')} {without_credentials(self.place)}".strip()


@dataclass(frozen=True, slots=True)
class Declared:
    """The sources in the packaging files: ``sources`` by normal name, and ``indexes`` for any package."""

    sources: Mapping[str, Source]
    indexes: tuple[str, ...] = ()


def read(root: Path, folder: str = ".") -> Declared:
    """The sources in ``pyproject.toml`` in *folder* below *root*; paths are given relative to *root*.

    Raises ``ProjectError`` for a file that cannot be parsed.
    """
    tool = toml(root / folder / "pyproject.toml").get("tool", {})
    uv = _table(tool, "uv")
    members = _members(root, folder, uv)
    sources = {**_uv_sources(folder, uv), **members, **_poetry_sources(folder, _table(tool, "poetry"))}
    return Declared(sources, tuple(_indexes(tool)))


def _table(parent: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    value: Any = parent
    for name in names:
        value = value.get(name, {}) if isinstance(value, Mapping) else {}
    return value if isinstance(value, Mapping) else {}


def _tables(value: object) -> Iterator[Mapping[str, Any]]:
    """The tables in an array of them, or the single table without an array."""
    yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Mapping))


def _members(root: Path, folder: str, uv: Mapping[str, Any]) -> dict[str, Source]:
    """The packages of uv's workspace, by the patterns of its members."""
    told_by = "[tool.uv.workspace] of pyproject.toml"
    workspace = _table(uv, "workspace")
    found: dict[str, Source] = {}
    for pattern in workspace.get("members", ()):
        for path in sorted((root / folder).glob(str(pattern))):
            name = _table(toml(path / "pyproject.toml"), "project").get("name")
            if name:
                place = os.path.relpath(path, root)
                found[canonicalize_name(name)] = Source(name, "path", place, told_by)
    return found


def _uv_sources(folder: str, uv: Mapping[str, Any]) -> dict[str, Source]:
    indexes = {str(each.get("name")): str(each.get("url", "")) for each in _tables(uv.get("index"))}
    told_by = "[tool.uv.sources] of pyproject.toml"
    found: dict[str, Source] = {}
    for name, value in _table(uv, "sources").items():
        ways = list(_tables(value))
        if len(ways) != 1 or ways[0].keys() & {"marker", "extra", "group"}:
            found[canonicalize_name(name)] = Source(name, "unclear", "a source that depends on markers", told_by)
        elif ways[0].get("workspace"):  # a workspace member is found by its name
            found[canonicalize_name(name)] = Source(name, "unclear", "a workspace that is not in this folder", told_by)
        else:
            found[canonicalize_name(name)] = _source(name, folder, ways[0], indexes, told_by)
    return found


def _poetry_sources(folder: str, poetry: Mapping[str, Any]) -> dict[str, Source]:
    indexes = {str(each.get("name")): str(each.get("url", "")) for each in _tables(poetry.get("source"))}
    groups = [_table(group, "dependencies") for group in _tables(list(_table(poetry, "group").values()))]
    found: dict[str, Source] = {}
    for table in (_table(poetry, "dependencies"), _table(poetry, "dev-dependencies"), *groups):
        for name, value in table.items():
            ways = [way for way in _tables(value) if way.keys() & {"path", "git", "url", "source"}]
            told_by = "[tool.poetry] of pyproject.toml"
            if len(ways) > 1:
                found[canonicalize_name(name)] = Source(name, "unclear", "a source that depends on markers", told_by)
            elif ways:
                found[canonicalize_name(name)] = _source(name, folder, ways[0], indexes, told_by)
    return found


def _source(name: str, folder: str, way: Mapping[str, Any], indexes: Mapping[str, str], told_by: str) -> Source:
    if "path" in way:
        return Source(name, "path", os.path.normpath(Path(folder) / str(way["path"])), told_by)
    if "git" in way:
        revision = next((f"@{way[key]}" for key in ("rev", "tag", "branch") if key in way), "")
        inner = f"#subdirectory={way['subdirectory']}" if "subdirectory" in way else ""
        return Source(name, "git", f"git+{way['git']}{revision}{inner}", told_by)
    if "url" in way:
        return Source(name, "url", str(way["url"]), told_by)
    named = str(way.get("index", way.get("source", "")))
    return Source(name, "index", indexes.get(named) or named, told_by)


def _indexes(tool: Mapping[str, Any]) -> Iterator[str]:
    """The URLs of the indexes for any package, without the public one."""
    uv = _table(tool, "uv")
    urls = [each.get("url") for each in _tables(uv.get("index")) if not each.get("explicit")]
    urls += [uv.get("index-url"), *(uv.get("extra-index-url") or ())]
    urls += [
        each.get("url") for each in _tables(_table(tool, "poetry").get("source")) if each.get("priority") != "explicit"
    ]
    urls += [each.get("url") for each in _tables(_table(tool, "pdm").get("source"))]
    for url in dict.fromkeys(urls):
        if isinstance(url, str) and url and not is_public(url):
            yield url


def is_public(url: str) -> bool:
    return urlsplit(url).hostname in PUBLIC_HOSTS


def without_credentials(url: str) -> str:
    """*url* without user and password, for display and comparison."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url


def toml(path: Path) -> dict[str, Any]:
    """The content of *path*; empty if it does not exist. Raises ``ProjectError`` if it cannot be parsed."""
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise unparsable(path, error) from error


def ini(path: Path) -> configparser.RawConfigParser:
    """The sections of *path*; none where there is no such file. Raises as ``toml`` does."""
    parser = configparser.RawConfigParser(strict=False)
    if path.is_file():
        try:
            parser.read_string(path.read_text("utf-8", "replace"))
        except configparser.Error as error:
            raise unparsable(path, error) from error
    return parser


def unparsable(path: Path, error: Exception) -> ProjectError:
    return ProjectError(
        f"{path.name} of the project cannot be parsed.",
        hint=f"Correct {path}, or say with [tool.harness] install how the dependencies are installed.",
        evidence=str(error),
    )


_LINE_END = re.compile(r"\\\n")


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line of a requirements file; ``file`` is relative to the project."""

    file: str
    text: str


def requirement_lines(root: Path, name: str) -> Iterator[Line]:
    """The lines of the requirements file *name* and of those that it includes, without comments, each file once.

    Files outside of *root* and missing files are not read.
    """
    seen: set[Path] = set()
    queue = [name]
    while queue:
        relative = os.path.normpath(queue.pop(0))
        path = root / relative
        if path in seen or relative.startswith("..") or not path.is_file():
            continue
        seen.add(path)
        for line in _LINE_END.sub(" ", path.read_text("utf-8", "replace")).splitlines():
            text = re.sub(r"(^|\s)#.*$", "", line).strip()
            if text:
                yield Line(relative, text)
                included = included_file(text)
                if included and "://" not in included:
                    queue.append((Path(relative).parent / included).as_posix())


def included_file(text: str) -> str:
    """The file that a line such as ``-r other.txt`` includes; empty for any other line."""
    match = re.match(r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?=\S))(\S+)", text)
    return match[1] if match else ""
