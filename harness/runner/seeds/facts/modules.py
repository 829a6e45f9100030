"""Finds the files of modules, and the files of the project that code reaches by its imports. Imports no module itself.

Owns the rule of what is the project's own code, which counts by content: each file outside of the folders of installed packages
and of the standard library. Those count by the versions of all packages.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .sources import Source, scan

_INSTALLED = ("/site-packages/", "/dist-packages/")
_OURS = str(Path(__file__).parents[3])
_STANDARD = tuple({f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib")})


@dataclass(slots=True)
class Reached:
    """Files that code reaches: ``files`` are the project's, ``around`` those of installed packages whose names count."""

    files: dict[str, Source] = field(default_factory=dict)
    around: dict[str, Source] = field(default_factory=dict)

    @property
    def sources(self) -> list[Source]:
        return [*self.files.values(), *self.around.values()]

    def add(self, other: Reached) -> None:
        self.files |= other.files
        self.around |= other.around


def is_installed(path: str) -> bool:
    """Whether *path* is a file of an installed package, of the standard library, or of the harness."""
    return _is_of_package(path) or path.startswith((*_STANDARD, f"{_OURS}{os.sep}"))


def is_installed_class(cls: type) -> bool:
    """Whether the class *cls* is of an installed package, of the standard library, or of the harness."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return not isinstance(file, str) or is_installed(str(Path(file).resolve()))


def _is_of_package(path: str) -> bool:
    return any(part in path for part in _INSTALLED)


def _search_path() -> list[str]:
    return [folder or "." for folder in sys.path if isinstance(folder, str)]


class Modules:
    """The modules that can be imported now. Each file is read once. *commands* has the modules of management commands by their
    names: a migration may call one.
    """

    def __init__(self, commands: dict[str, str] | None = None) -> None:
        self._commands = commands or {}
        self._located: dict[str, str] = {}
        self._sources: dict[str, Source | None] = {}
        self._loaded: list[str] | None = None
        self._following: dict[int, tuple[str, ...]] = {}

    def locate(self, name: str) -> str:
        """The file of the module *name*; empty for one that has none, as the folder of a namespace."""
        if name not in self._located:
            self._located[name] = ""  # also for a parent that is looked for by its child
            self._located[name] = self._locate(name)
        return self._located[name]

    def _locate(self, name: str) -> str:
        if (module := sys.modules.get(name)) is not None:
            file = getattr(module, "__file__", None)
            return str(Path(file).resolve()) if isinstance(file, str) and file.endswith(".py") else ""
        parent, _, last = name.rpartition(".")
        for folder in self._folders(parent) if parent else _search_path():
            for file in (f"{folder}/{last}/__init__.py", f"{folder}/{last}.py"):
                if os.path.isfile(file):  # noqa: PTH113 - as many as there are names: pathlib takes ten times as long
                    return str(Path(file).resolve())
        return ""

    def _folders(self, package: str) -> list[str]:
        module = sys.modules.get(package)
        if module is not None:
            return [str(folder) for folder in getattr(module, "__path__", ())]
        file = self.locate(package)
        if file:
            return [str(Path(file).parent)] if file.endswith("/__init__.py") else []
        parent, _, last = package.rpartition(".")
        folders = [f"{folder}/{last}" for folder in (self._folders(parent) if parent else _search_path())]
        return [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112 - likewise

    def source(self, name: str, path: str) -> Source | None:
        """The facts of the module *name* in the file *path*; ``None`` if it cannot be read."""
        if path not in self._sources:
            package = name if path.endswith("/__init__.py") else name.rpartition(".")[0]
            try:
                self._sources[path] = scan(Path(path).read_bytes(), package, is_own=not is_installed(path))
            except OSError:
                self._sources[path] = None
        return self._sources[path]

    def reach(self, names: Iterable[str], files: Iterable[str] = (), *, has_packages: bool = True) -> Reached:
        """All files that the modules *names*, and the project's *files* that are no modules, reach.

        Of an installed package, those of the same package that its module imports, except for Django's own and without
        *has_packages*; of the packages that the project's code imports, that module.
        """
        reached = Reached()
        waiting = [(name, has_packages) for each in names for name in _with_parents(each)]
        for path in files:
            if (source := self.source("", path)) is not None:
                reached.files[path] = source
                waiting += [(each, False) for each in self.following(source)]
        seen = set()
        while waiting:
            step = name, is_root = waiting.pop()
            path = "" if step in seen else self.locate(name)
            seen.add(step)
            if not path or (source := self.source(name, path)) is None:
                continue
            if not is_installed(path):
                reached.files[path] = source
                waiting += [(each, False) for each in self.following(source)]
            elif _is_of_package(path) and (is_root or not name.startswith("django.")):
                reached.around[path] = source
                top = name.partition(".")[0]
                if is_root and top != "django":
                    waiting += [(each, True) for each in self.following(source) if each.partition(".")[0] == top]
        return reached

    def following(self, source: Source) -> tuple[str, ...]:
        """The modules that run when *source* does, each once."""
        if id(source) not in self._following:  # the sources are kept
            self._following[id(source)] = tuple(dict.fromkeys(self._imported_by(source)))
        return self._following[id(source)]

    def _imported_by(self, source: Source) -> Iterator[str]:
        for name in source.imports:
            yield from _with_parents(name)
        for literal in source.literals & self._commands.keys():
            yield from _with_parents(self._commands[literal])
        if source.loads_modules:
            yield from self._loaded_ones()

    def _loaded_ones(self) -> list[str]:
        """The modules of the project that are loaded now: code that loads modules by a name of its own may load each."""
        if self._loaded is None:
            self._loaded = [
                name
                for name, module in list(sys.modules.items())
                if isinstance(file := getattr(module, "__file__", None), str)
                and file.endswith(".py")
                and not is_installed(str(Path(file).resolve()))
                and name != "__main__"
            ]
        return self._loaded


def _with_parents(name: str) -> Iterator[str]:
    """*name* and the packages around it, whose code runs when it is imported."""
    while name:
        yield name
        name = name.rpartition(".")[0]
