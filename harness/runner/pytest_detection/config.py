"""The files, classes and functions that pytest would collect in a project, by the project's configuration."""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

_SECTIONS = {"pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest"}
_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""Configuration files, in the order in which pytest looks for them."""
_PYTESTS_OWN = _FILES[:4]
"""Those that configure pytest even where they are empty."""
_SOURCES = {"pyproject.toml": "[tool.pytest] of pyproject.toml", "setup.cfg": "[tool:pytest] of setup.cfg"}
_NOT_ENTERED = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")


@dataclass(frozen=True, slots=True)
class Collection:
    """pytest's settings of a collection. ``source`` is the file with the project's configuration of pytest, or the table in it;
    empty for none. Names are prefixes or patterns as in pytest; ``fixtures`` are those that the configuration gives every test.
    """

    source: str = ""
    files: tuple[str, ...] = ("test_*.py", "*_test.py")
    classes: tuple[str, ...] = ("Test",)
    functions: tuple[str, ...] = ("test",)
    paths: tuple[str, ...] = ()
    fixtures: tuple[str, ...] = ()
    not_entered: tuple[str, ...] = _NOT_ENTERED

    @property
    def is_configured(self) -> bool:
        return bool(self.source)

    def takes_file(self, file: str) -> bool:
        """Whether *file*, relative to the root, matches a pattern of test files."""
        name = file.rpartition("/")[2]
        return any(fnmatch(f"/{file}", f"*/{each}") if "/" in each else fnmatch(name, each) for each in self.files)

    def is_in_paths(self, root: Path, file: str) -> bool:
        """Whether *file*, relative to *root*, is below one of ``testpaths``; all files are where none of these is there."""
        paths = [each for pattern in self.paths for each in root.glob(pattern.rstrip("/"))]
        return not paths or any((root / file).is_relative_to(path) for path in paths)

    def takes_class(self, name: str) -> bool:
        return _fits(name, self.classes)

    def takes_function(self, name: str) -> bool:
        return _fits(name, self.functions)


def read(root: Path) -> Collection:
    """The configuration of the project in *root*, or pytest's defaults."""
    for name in _FILES:
        found = _section(root / name)
        if found is not None:
            return Collection(
                source=_SOURCES.get(name, name),
                files=_words(found, "python_files") or Collection().files,
                classes=_words(found, "python_classes") or Collection().classes,
                functions=_words(found, "python_functions") or Collection().functions,
                paths=_words(found, "testpaths"),
                fixtures=_words(found, "usefixtures"),
                not_entered=_words(found, "norecursedirs") or _NOT_ENTERED,
            )
    return Collection()


def files(root: Path, collection: Collection) -> Iterator[str]:
    """The Python files below *root* that pytest would visit, relative to it: with ``conftest.py``, and with or without tests."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            each
            for each in folders
            if each != "__pycache__"
            and not any(fnmatch(each, pattern) for pattern in collection.not_entered)
            and not Path(folder, each, "pyvenv.cfg").exists()
        )
        below = Path(folder).relative_to(root)
        yield from ((below / name).as_posix() for name in sorted(names) if name.endswith(".py"))


def _section(file: Path) -> Mapping[str, Any] | None:
    """The pytest section of *file*; ``None`` if it has none or cannot be read; empty if it is pytest's own and not valid."""
    try:
        if file.suffix == ".toml":
            return _of_toml(file.name, tomllib.loads(file.read_text(encoding="utf-8")))
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(file.read_text(encoding="utf-8"))
    except OSError:
        return None
    except (ValueError, configparser.Error):
        return {} if file.name in _PYTESTS_OWN else None  # pytest says what is wrong with it
    section = _SECTIONS[file.name]
    if parser.has_section(section):
        return dict(parser.items(section))
    return {} if file.name in _PYTESTS_OWN else None


def _of_toml(name: str, document: dict[str, Any]) -> Mapping[str, Any] | None:
    found: Any = document.get("pytest", {})
    if name == "pyproject.toml":
        table = document.get("tool", {}).get("pytest")
        if table is None:
            return None
        found = table.get("ini_options", table)
    return found if isinstance(found, dict) else {}


def _words(section: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = section.get(key) or ()
    return tuple(value.split()) if isinstance(value, str) else tuple(map(str, value))


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name.startswith(each) or (any(c in each for c in "*?[") and fnmatch(name, each)) for each in patterns)
