"""The data files that code may read: fixtures, and files that its texts name. They count by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

_LEFT_OUT = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "htmlcov", "build", "dist"})
_OF_PAGES = frozenset({"templates", "static", "locale"})
"""Folders of an app whose files count where a text names them, and not because code of the app reads some file."""
MOST_FILES = 5000
MOST_BYTES = 64_000_000
_FIXTURES = "fixtures"


class TooManyError(Exception):
    """The files are more than it would be quick to read."""


def is_made(path: str, began: float) -> bool:
    """Whether *path* has been made or changed since *began*, in seconds since the epoch."""
    try:
        return Path(path).stat().st_ctime >= began
    except OSError:
        return False


class DataFiles:
    """The files below the project's folder *root* that are no Python code. Read once, when they are needed.

    Files that the project itself has made since it *began* to load do not count: its code does, and what is random in them, such
    as a key, is another in each run.
    """

    def __init__(self, root: str, began: float) -> None:
        self._root = root
        self._began = began
        self._by_name: dict[str, list[str]] | None = None
        self._digests: dict[str, str] = {}
        self._bytes = 0

    def read_by(self, literals: Iterable[str], folders: Iterable[str]) -> list[str]:
        """The files that code with the texts *literals* may read, each as ``path digest``: those in *folders*, the apps' own, and
        all whose name, or the name of a folder around them, a literal ends with. Raises ``TooManyError``.
        """
        known = self._names()
        beside = (path for folder in folders for path in walk(folder, left_out=_LEFT_OUT | _OF_PAGES))
        found = {path for path in beside if not PurePath(path).name.startswith(".")}
        for literal in literals:
            last = PurePath(literal).name
            found.update(path for name in {last, PurePath(last).stem} for path in known.get(name, ()))
        return self.digests(found)

    def digests(self, paths: Iterable[str]) -> list[str]:
        """Each of *paths* with the digest of its content. Raises ``TooManyError``."""
        lines = []
        for path in sorted(paths):
            if is_made(path, self._began):
                continue
            lines.append(f"{os.path.relpath(path, self._root)} {self._digest(path)}")
            if len(lines) > MOST_FILES:
                raise TooManyError
        return lines

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            try:
                self._bytes += Path(path).stat().st_size
                if self._bytes > MOST_BYTES:
                    raise TooManyError
                self._digests[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            except OSError:
                self._digests[path] = "cannot be read"
        return self._digests[path]

    def _names(self) -> dict[str, list[str]]:
        """The files by their names, by those without the suffix, and by the names of the folders around them.

        A package of Python is no folder of data, and files of pages and hidden ones count by their whole name alone.
        """
        if self._by_name is None:
            self._by_name = {}
            packages: dict[PurePath, bool] = {}
            for path in walk(self._root):
                pure = PurePath(path)
                names = {pure.name}
                parts = pure.relative_to(self._root).parts[:-1]
                if not (_OF_PAGES.intersection(parts) or pure.name.startswith(".")):
                    names.add(pure.stem)
                    for folder in list(pure.parents)[: len(parts)]:
                        if folder not in packages:
                            packages[folder] = Path(folder, "__init__.py").exists()
                        if not packages[folder]:
                            names.add(folder.name)
                for name in names:
                    self._by_name.setdefault(name, []).append(path)
        return self._by_name


def fixtures(folders: Iterable[str], others: Iterable[str]) -> list[str]:
    """The fixtures of the apps in *folders*, and the files in the *others* of ``FIXTURE_DIRS``."""
    return [path for folder in (*(f"{each}/{_FIXTURES}" for each in folders), *others) for path in walk(folder)]


def walk(folder: str, left_out: frozenset[str] = _LEFT_OUT) -> Iterator[str]:
    """The files below *folder* that are no Python code, without hidden folders and those of the names *left_out*."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in left_out and not each.startswith("."))
        for name in names:
            if not name.endswith((".py", ".pyc", ".sqlite3", ".sqlite3-journal", ".log")):
                yield f"{place}/{name}"
