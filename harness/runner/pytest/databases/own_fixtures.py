"""The fixtures by which a pytest project makes or fills its databases itself, found before the tests are collected."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from ...seeds.facts.collect import OwnSetUp
from ...seeds.facts.modules import is_installed
from ...seeds.seeding import Seeding

_ADVICE = ": cache_setup = true caches what it makes"
_CONFTEST = "conftest.py"
_FIXTURES = re.compile(rb"\b(django_db_setup|django_db_modify_db_settings\w*|django_db_use_migrations)\b")
_DECIDES = "django_db_use_migrations"
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})


def own_set_up(config: pytest.Config, *, is_cached: bool) -> OwnSetUp:
    """The set-up of the project; with a doubt where its fixtures have a part in it, and the user does not have it cached."""
    is_unmigrated = bool(config.getoption("nomigrations", default=False))
    text = f"no migrations: {is_unmigrated}, debug mode: {config.getoption('django_debug_mode', default=None)}"
    found = dict(_own_fixtures(config))
    names = {name for names in found.values() for name in names}
    if names and (not is_cached or _DECIDES in names):
        file, (name, *_) = next(iter(found.items()))
        return OwnSetUp(doubt=_doubt(name, file, "" if is_cached else _ADVICE))
    renames = any("modify_db_settings" in name for name in names)
    return OwnSetUp(files=tuple(sorted(found)), text=text, is_unmigrated=is_unmigrated, renames=renames)


def why_not_cached(seeding: Seeding, name: str, codes: Sequence[CodeType]) -> str:
    """The reason why the work of the fixture *name*, whose definitions have *codes*, is not cached; empty where it is."""
    for code in codes:
        if not seeding.allows_own_set_up:
            return _doubt(name, code.co_filename, _ADVICE)
        if str(Path(code.co_filename).resolve()) not in seeding.counted_files:
            return _doubt(name, code.co_filename, ", and is in no conftest.py")
    return ""


def _doubt(name: str, file: str, advice: str) -> str:
    return f"{name} of {os.path.relpath(file)} may fill the databases{advice}"


def _own_fixtures(config: pytest.Config) -> Iterator[tuple[str, Sequence[str]]]:
    """The files of the project's ``conftest.py`` and plugins that name one of the fixtures, each with the names."""
    for path in dict.fromkeys([*_conftests(str(config.rootpath)), *_plugins(config)]):
        try:
            data = Path(path).read_bytes()
        except OSError:
            continue
        if names := sorted({name.decode() for name in _FIXTURES.findall(data)}):
            yield path, names


def _conftests(root: str) -> Iterator[str]:
    for place, folders, names in os.walk(root):
        folders[:] = sorted(each for each in folders if each not in _LEFT_OUT and not each.startswith("."))
        if _CONFTEST in names:
            yield str(Path(place, _CONFTEST).resolve())


def _plugins(config: pytest.Config) -> Iterator[str]:
    for plugin in config.pluginmanager.get_plugins():
        file: Any = getattr(plugin, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and not is_installed(str(Path(file).resolve())):
            yield str(Path(file).resolve())
