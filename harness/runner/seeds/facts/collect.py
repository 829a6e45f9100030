"""Reads from Django and the project's files all that the content of the test databases depends on, as ``key.Facts``.

Runs after ``django.setup()``. Loads no migration: the plan's order follows from their files.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db import connections, router
from django.db.backends.base.creation import BaseDatabaseCreation
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState
from django.db.models import signals

from .... import __version__
from ....protocol.messages import Route
from ....protocol.topology import DUMMY_BACKEND
from ...databases import clones
from ..cached import import_management
from ..key import Facts, digest
from .data_files import DataFiles, TooManyError, fixtures, is_made
from .modules import Modules, Reached, is_installed
from .texts import Texts
from .versions import versions

_ALWAYS = (
    *("INSTALLED_APPS", "MIGRATION_MODULES", "DEFAULT_AUTO_FIELD", "AUTH_USER_MODEL", "DATABASE_ROUTERS", "CACHES"),
    *("DEFAULT_TABLESPACE", "DEFAULT_INDEX_TABLESPACE", "USE_TZ", "TIME_ZONE", "USE_I18N", "LANGUAGE_CODE", "SITE_ID"),
)
"""Settings that count in every project: those that Django reads while it makes a database."""
_NOT_OF_TESTS = frozenset({"DATABASES", "EMAIL_BACKEND", "DEBUG", "SETTINGS_MODULE"})
"""Settings that the run replaces, or that have a part of their own."""
_OF_A_RUN = ("HOST", "PORT", "PASSWORD", "NAME", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS")
_SIGNALS = {
    name: getattr(signals, name)
    for name in ("pre_migrate", "post_migrate", "pre_save", "post_save", "m2m_changed", "pre_init", "post_init")
}
_OF_A_SHELL = frozenset({"_", "PWD", "OLDPWD", "SHLVL", "PYTHONPATH", "PYTEST_CURRENT_TEST", "PYTEST_VERSION"})
_LOCALE = ("TZ", "LANG", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LANGUAGE")


@dataclass(frozen=True, slots=True)
class OwnSetUp:
    """The part of the project in the making of the databases, besides that of Django.

    ``modules`` and ``files`` count by content, ``text`` has options. ``is_unmigrated``: the apps are taken as if they had no
    migrations; ``renames``: the test databases get other names at the last moment. ``doubt`` forbids caching; empty for none.
    """

    modules: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    text: str = ""
    is_unmigrated: bool = False
    renames: bool = False
    doubt: str = ""


class Collector:
    """Collects the facts; a second time, it reads only what lives in this process again: settings and receivers.

    Before *began*, in seconds since the epoch, nothing of the project was loaded.
    """

    def __init__(self, routes: Sequence[Route], root: str, own: OwnSetUp, began: float) -> None:
        self._routes = routes
        self._own = own
        self._root = str(Path(root).resolve())
        self._texts = Texts(self._root, lambda path: is_made(path, began))
        self._files = DataFiles(self._root, began)
        import_management()
        self._modules = Modules(self._commands())
        self._reached: dict[str, Reached] = {}
        self._read: dict[str, list[str]] = {}
        self._digests: dict[tuple[frozenset[str], ...], str] = {}
        self._doubts: dict[str, None] = {}
        self._settings: dict[str, str] = {}
        self._known_settings: set[str] = set()

    def facts(self) -> Facts:
        self._doubts, self._settings, self._digests = {}, {}, {}
        left_out = _NOT_OF_TESTS | ({"MIGRATION_MODULES"} if self._own.is_unmigrated else set())
        self._known_settings = {name for name in dir(settings) if name.isupper()} - left_out
        if self._own.doubt:
            return Facts((), doubts=(self._own.doubt,))
        self._check_backends()
        listed = list(self._migrations())
        migrated = {label for label, *_ in listed}
        unmigrated = [
            config
            for config in apps.get_app_configs()
            if config.models_module and (config.label not in migrated or self._has_unmigrated())
        ]
        found = [(name, *self._migration(module, path)) for _, name, module, path in listed]
        parts = [
            ("versions", self._versions()),
            ("databases", self._databases()),
            ("models", self._models(unmigrated)),
            ("receivers", self._receivers()),
            ("code", self._code(unmigrated)),
            # a migration that others need, or that stands for others, is in no ancestor's order
            ("order", digest([text for name, text, is_placed in found if is_placed])),
            ("set-up", self._own.text),
        ]
        migrations = tuple((name, text) for name, text, _ in found)
        return Facts(tuple(parts), migrations, tuple(self._doubts))

    def _doubt(self, text: str) -> None:
        self._doubts[text] = None

    # apps, commands, migrations

    def _commands(self) -> dict[str, str]:
        """The management commands of the project's own apps, each with its module."""
        found = {}
        for config in apps.get_app_configs():
            folder = f"{config.path}/management/commands"
            if not is_installed(f"{config.path}/"):
                for each in pkgutil.iter_modules([folder]):
                    found[each.name] = f"{config.name}.management.commands.{each.name}"
        return found

    def _check_backends(self) -> None:
        made = [route for route in self._routes if route.mirror_of is None]
        for route in made:
            connection = connections[route.alias]
            if connection.vendor not in clones.VENDORS:
                if connection.settings_dict["ENGINE"] != DUMMY_BACKEND:
                    self._doubt(f"{route.alias} is on {connection.vendor}")
            elif type(connection.creation).create_test_db is not BaseDatabaseCreation.create_test_db:
                self._doubt(f"the backend {route.backend} of {route.alias} makes its test database itself")
        if all(connections[route.alias].vendor not in clones.VENDORS for route in made):
            self._doubt("there is no database")

    def _has_unmigrated(self) -> bool:
        return self._own.is_unmigrated or any(
            connections[route.alias].settings_dict["TEST"].get("MIGRATE") is False for route in self._routes
        )

    def _migrations(self) -> Iterator[tuple[str, str, str, str]]:
        """Each migration: its app's label, its name with that, its module and its file."""
        if self._own.is_unmigrated:
            return
        for config in apps.get_app_configs():
            package, _ = MigrationLoader.migrations_module(config.label)
            file = self._modules.locate(package) if package else ""
            if package is None or not file.endswith("/__init__.py"):
                continue  # an app without migrations, also by Django's rules
            found = pkgutil.iter_modules(self._folders_of(package, file))
            for name in sorted(each.name for each in found if not each.ispkg):
                if name[0] in "_~":
                    continue
                module = f"{package}.{name}"
                if path := self._modules.locate(module):
                    yield config.label, f"{config.label}.{name}", module, path
                else:
                    self._doubt(f"the migration {config.label}.{name} has no source file")

    @staticmethod
    def _folders_of(package: str, file: str) -> list[str]:
        loaded = sys.modules.get(package)
        return list(loaded.__path__) if loaded is not None else [str(Path(file).parent)]

    # parts

    def _versions(self) -> str:
        environment = [f"{name}={os.environ.get(name, '')}" for name in _LOCALE]
        return "\n".join([__version__, sys.version, django.get_version(), *environment, *versions(sys.path)])

    def _databases(self) -> str:
        lines = []
        for route in self._routes:
            config = connections[route.alias].settings_dict
            kept = {key: value for key, value in sorted(config.items()) if key not in _OF_A_RUN}
            place = (route.server, route.backend, route.test_name, route.role, route.mirror_of, route.dependencies)
            # Django replaces the name of the database by that of the test database as it makes it
            lines.append(self._texts.of((route.alias, place, route.database, kept)))
            database: Any = getattr(connections[route.alias], "Database", None)
            lines.append(str(getattr(database, "sqlite_version", "")))
        return "\n".join(lines)

    def _models(self, unmigrated: Iterable[Any]) -> str:
        """The models of apps without migrations, whose tables are made of them, as Django would write them into a migration."""
        lines = []
        for config in unmigrated:
            for model in config.get_models(include_auto_created=True):
                state = ModelState.from_model(model) if not model._meta.auto_created else None
                fields = [(field.name, field) for field in model._meta.local_fields]
                options = (state.options, state.bases) if state else ()
                lines.append(self._texts.of((model._meta.label, model._meta.db_table, fields, options)))
        return "\n".join(lines)

    def _receivers(self) -> str:
        """The receivers of the signals that Django sends as it migrates, and of those that it sends for each row if they have no
        sender: the models of migrations are no senders of theirs.
        """
        return "\n".join(f"{name}: {self._texts.of(receiver)}" for name, receiver in _receivers())

    def _code(self, unmigrated: Iterable[Any]) -> str:
        """All code that runs besides the migrations, with the settings, variables and files that it reads."""
        receivers = [_module_of(receiver) for _, receiver in _receivers()]
        routers = [_module_of(type(each)) for each in router.routers]
        engines = [str(connections[route.alias].settings_dict["ENGINE"]) for route in self._routes]
        names = [*receivers, *routers, *engines, *(f"{each}.base" for each in engines), *self._own.modules]
        names += [config.models_module.__name__ for config in unmigrated]
        reached = self._reach(names, self._own.files)
        for signal, receiver in _receivers():
            if signal.endswith("_migrate"):
                self._check_outside(_module_of(receiver))
        swapped = {model._meta.swappable for model in apps.get_models(include_swapped=True) if model._meta.swappable}
        return self._digest_of(reached, {*_ALWAYS, *swapped})

    def _migration(self, module: str, path: str) -> tuple[str, bool]:
        """The digest of a migration, with all that it reaches, and whether it says where it is in the plan."""
        source = self._modules.source(module, path)
        if source is None:
            self._doubt(f"{path} cannot be read")
            return "", False
        if is_installed(path) and "django.conf.settings" not in source.imports:
            return source.digest, source.is_placed
        self._check_outside(module)
        if is_installed(path):
            reached = [self._reach([module], has_packages=False)]
        else:  # many migrations of an app import the same
            following = sorted({module.rpartition(".")[0], *self._modules.following(source)})
            reached = [Reached({path: source}), self._reach(following, has_packages=False)]
        return digest([source.digest, *(self._digest_of(each, set()) for each in reached)]), source.is_placed

    def _check_outside(self, name: str) -> None:
        path = self._modules.locate(name)
        source = self._modules.source(name, path) if path and not is_installed(path) else None
        if source is not None and source.outside:
            self._doubt(f"{name} imports {source.outside}: it may speak to other hosts or programs")

    def _reach(self, names: Sequence[str], files: Sequence[str] = (), *, has_packages: bool = True) -> Reached:
        place = "\n".join((*names, *files))
        if place not in self._reached:
            self._reached[place] = self._modules.reach(names, files, has_packages=has_packages)
        return self._reached[place]

    def _digest_of(self, reached: Reached, names: set[str]) -> str:
        """A digest of the files *reached*, and of all that they read; of the settings *names* in any case."""
        place = (frozenset(reached.files), frozenset(reached.around), frozenset(names))
        if place not in self._digests:
            self._digests[place] = self._new_digest_of(reached, names)
        return self._digests[place]

    def _new_digest_of(self, reached: Reached, names: set[str]) -> str:
        lines = sorted(f"{os.path.relpath(path, self._root)} {each.digest}" for path, each in reached.files.items())
        sources = reached.sources
        names = names.union(*(source.names for source in sources))
        lines += self._values(names, has_all=any(source.reads_settings for source in reached.files.values()))
        lines += self._variables(reached)
        reading = [(path, source) for path, source in reached.files.items() if source.reads_files]
        try:
            lines += sorted({line for path, source in reading for line in self._data(path, source.literals)})
            if any("loaddata" in source.literals for _, source in reading):
                folders = [config.path for config in apps.get_app_configs()]
                lines += self._files.digests(fixtures(folders, map(str, settings.FIXTURE_DIRS)))
        except TooManyError:
            self._doubt("the data files that its code may read are too many")
        return digest(lines)

    def _data(self, path: str, literals: frozenset[str]) -> list[str]:
        if path not in self._read:
            folder = _app_folder(path) or str(Path(path).parent)
            self._read[path] = self._files.read_by(literals, [folder])
        return self._read[path]

    def _values(self, names: set[str], *, has_all: bool) -> list[str]:
        """The settings among *names*, or all of them, each with its value."""
        found = self._known_settings if has_all else sorted(self._known_settings & names)
        return [f"{name} = {self._value(name)}" for name in sorted(found)]

    def _value(self, name: str) -> str:
        if name not in self._settings:
            value = getattr(settings, name, None)
            if name == "ALLOWED_HOSTS":  # Django adds the host of its test client
                value = [host for host in value or () if host != "testserver"]
            self._settings[name] = self._texts.of(value)
        return self._settings[name]

    @staticmethod
    def _variables(reached: Reached) -> list[str]:
        has_all = any(source.reads_environment for source in reached.files.values())
        names = frozenset[str]().union(*(source.variables for source in reached.files.values()))
        if not (has_all or names):
            return []
        return [
            f"{name}={value}"
            for name, value in sorted(os.environ.items())
            if (has_all or name in names) and name not in _OF_A_SHELL and not name.startswith("_DJANGO_CI_HARNESS")
        ]


def _receivers() -> Iterator[tuple[str, Any]]:
    """The living receivers of ``_SIGNALS`` in their order, each with the name of its signal."""
    for name, signal in _SIGNALS.items():
        for (_, sender), receiver, *_ in list(signal.receivers):
            if name.endswith("_migrate") or sender == id(None):
                living = receiver() if isinstance(receiver, weakref.ReferenceType) else receiver
                if living is not None:
                    yield name, living


def receivers_of_migrations() -> list[str]:
    """The modules of the receivers of ``pre_migrate`` and ``post_migrate``."""
    return [_module_of(receiver) for signal, receiver in _receivers() if signal.endswith("_migrate")]


def _module_of(value: Any) -> str:
    value = getattr(value, "__wrapped__", value)
    value = getattr(value, "func", value)
    module = getattr(value, "__module__", None) or type(value).__module__
    return str(module)


def _app_folder(path: str) -> str:
    """The folder of the innermost app that the file *path* is in; empty for none."""
    folders = (config.path for config in apps.get_app_configs() if path.startswith(f"{config.path}/"))
    return max(folders, key=len, default="")
