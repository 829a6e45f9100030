"""The sources that a project declares for packages, in the tables of uv, Poetry and PDM.

``requirements`` beside it applies them to an installation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from packaging.utils import canonicalize_name

from harness.host.project.packaging_files import PackagingFiles, table_in

PUBLIC_HOSTS = frozenset({"pypi.org", "pypi.python.org", "files.pythonhosted.org"})


@dataclass(frozen=True, slots=True)
class Source:
    """The source of the package *name*; ``declared_in`` is the table and the file that declare it.

    ``place`` is a path relative to the project, a reference that pip takes (``git+https://...``), an index's URL, or
    words for a source that depends on something.
    """

    name: str
    form: Literal["path", "git", "url", "index", "unclear"]
    place: str
    declared_in: str

    def __str__(self) -> str:
        forms = {"path": "the folder", "index": "the index"}
        return f"{forms.get(self.form, '')} {without_credentials(self.place)}".strip()


@dataclass(frozen=True, slots=True)
class Declared:
    """The sources in the packaging files: ``sources`` by normal name, and ``indexes`` for any package."""

    sources: Mapping[str, Source]
    indexes: tuple[str, ...] = ()


def read_sources(files: PackagingFiles, folder: str = ".") -> Declared:
    """The sources in ``pyproject.toml`` of *files*; paths are given relative to the project, where *folder* has the file.

    Raises ``ProjectError`` for a file that cannot be parsed.
    """
    sources = [*_uv_sources(files, folder), *_uv_members(files, folder), *_poetry_sources(files, folder)]
    return Declared({canonicalize_name(source.name): source for source in sources}, tuple(_indexes(files)))


def _uv_members(files: PackagingFiles, folder: str) -> Iterator[Source]:
    """The packages of uv's workspace, by the patterns of its members."""
    for pattern in files.table("tool", "uv", "workspace").get("members", ()):
        for path in sorted(files.root.glob(str(pattern))):
            if name := PackagingFiles(path).table("project").get("name"):
                place = os.path.normpath(folder / path.relative_to(files.root))
                yield Source(name, "path", place, "[tool.uv.workspace] of pyproject.toml")


def _uv_sources(files: PackagingFiles, folder: str) -> Iterator[Source]:
    declared_in = "[tool.uv.sources] of pyproject.toml"
    indexes = _urls(files.table("tool", "uv").get("index"))
    for name, value in files.table("tool", "uv", "sources").items():
        ways = list(_tables(value))
        if len(ways) != 1 or ways[0].keys() & {"marker", "extra", "group"}:
            yield Source(name, "unclear", "a source that depends on markers", declared_in)
        elif ways[0].get("workspace"):  # replaced if a member has that name
            yield Source(name, "unclear", "a workspace that is not in this folder", declared_in)
        else:
            yield _source(name, folder, ways[0], indexes, declared_in)


def _poetry_sources(files: PackagingFiles, folder: str) -> Iterator[Source]:
    declared_in = "[tool.poetry] of pyproject.toml"
    poetry = files.table("tool", "poetry")
    indexes = _urls(poetry.get("source"))
    groups = [table_in(group, "dependencies") for group in _tables(list(table_in(poetry, "group").values()))]
    for table in (table_in(poetry, "dependencies"), table_in(poetry, "dev-dependencies"), *groups):
        for name, value in table.items():
            ways = [way for way in _tables(value) if way.keys() & {"path", "git", "url", "source"}]
            if len(ways) > 1:
                yield Source(name, "unclear", "a source that depends on markers", declared_in)
            elif ways:
                yield _source(name, folder, ways[0], indexes, declared_in)


def _source(name: str, folder: str, way: Mapping[str, Any], indexes: Mapping[str, str], declared_in: str) -> Source:
    if "path" in way:
        return Source(name, "path", os.path.normpath(Path(folder) / str(way["path"])), declared_in)
    if "git" in way:
        revision = next((f"@{way[key]}" for key in ("rev", "tag", "branch") if key in way), "")
        inner = f"#subdirectory={way['subdirectory']}" if "subdirectory" in way else ""
        return Source(name, "git", f"git+{way['git']}{revision}{inner}", declared_in)
    if "url" in way:
        return Source(name, "url", str(way["url"]), declared_in)
    index = str(way.get("index", way.get("source", "")))
    return Source(name, "index", indexes.get(index) or index, declared_in)


def _indexes(files: PackagingFiles) -> Iterator[str]:
    """The URLs of the indexes for any package, without the public one."""
    uv = files.table("tool", "uv")
    poetry = files.table("tool", "poetry").get("source")
    urls = [each.get("url") for each in _tables(uv.get("index")) if not each.get("explicit")]
    urls += [uv.get("index-url"), *(uv.get("extra-index-url") or ())]
    urls += [each.get("url") for each in _tables(poetry) if each.get("priority") != "explicit"]
    urls += [each.get("url") for each in _tables(files.table("tool", "pdm").get("source"))]
    for url in dict.fromkeys(urls):
        if isinstance(url, str) and url and not is_public(url):
            yield url


def _tables(value: object) -> Iterable[Mapping[str, Any]]:
    """The tables in an array of them, or the single table without an array."""
    return (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Mapping))


def _urls(indexes: object) -> dict[str, str]:
    return {str(each.get("name")): str(each.get("url", "")) for each in _tables(indexes)}


def is_public(url: str) -> bool:
    return urlsplit(url).hostname in PUBLIC_HOSTS


def without_credentials(url: str) -> str:
    """*url* without user and password, for display and comparison."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url
