"""Reads the project's settings into a ``Topology``. Old flat spellings are moved into ``TEST`` here, in the settings too."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from ...errors import ProjectError
from ...protocol.topology import Alias, TestOptions, Topology
from .vendors import vendor_of

# spelled so until Django 1.7 moved them into TEST, and silently ignored since Django 1.9
_UNCHANGED = (
    *("CHARSET", "COLLATION", "DEPENDENCIES", "MIGRATE", "MIRROR", "NAME", "SERIALIZE"),
    *("TBLSPACE", "TBLSPACE_TMP", "TEMPLATE", "USER"),
)
_RENAMED = {"TEST_CREATE": "CREATE_DB", "TEST_PASSWD": "PASSWORD", "TEST_USER_CREATE": "CREATE_USER"}
_FLAT_SPELLINGS = {f"TEST_{key}": key for key in _UNCHANGED} | _RENAMED


def read_topology(databases: MutableMapping[str, dict[str, Any]]) -> tuple[Topology, list[str]]:
    """The topology of a ``DATABASES`` setting, and the old flat spellings in it, ``ALIAS.KEY`` each. They move into ``TEST``, in
    place, where a key that is there already wins. Each alias gets dictionaries of its own, since settings may use one for
    several aliases, and later steps change them one by one.

    Raises ``ProjectError`` for a setting of the wrong shape, and for a backend that cannot be loaded.
    """
    folded = []
    _check_shape(databases)
    for name, given in databases.items():
        config = databases[name] = {**given, "TEST": dict(given.get("TEST") or {})}
        for flat, key in _FLAT_SPELLINGS.items():
            if flat in config:
                folded.append(f"{name}.{flat}")
                config["TEST"].setdefault(key, config.pop(flat))
    return Topology(tuple(_read_alias(name, config) for name, config in databases.items())), folded


def _check_shape(databases: Any) -> None:
    parts = [("DATABASES", databases)]
    if isinstance(databases, Mapping):
        parts += [(f"DATABASES[{name!r}]", config) for name, config in databases.items()]
        parts += [
            (f"{name}['TEST']", config.get("TEST") or {}) for name, config in parts[1:] if isinstance(config, Mapping)
        ]
    for name, part in parts:
        if not isinstance(part, Mapping):
            raise ProjectError(f"{name} is a {type(part).__name__}, not a dictionary.")


def _read_alias(name: str, config: Mapping[str, Any]) -> Alias:
    backend = str(config.get("ENGINE") or "django.db.backends.dummy")
    test = _read_test(name, config.get("TEST") or {})
    database = str(config.get("NAME") or "")
    vendor = vendor_of(name, backend)
    options = config.get("OPTIONS") or {}
    return Alias(
        name=name,
        backend=backend,
        vendor=vendor,
        database=database,
        # without a HOST, the host of OPTIONS or the entry of a service file says which server it is
        host=str(config.get("HOST") or options.get("host") or options.get("service") or ""),
        port=str(config.get("PORT") or ""),
        user=str(config.get("USER") or ""),
        test_name=_test_name(name, vendor, database, test),
        test=test,
    )


def _read_test(name: str, test: Mapping[str, Any]) -> TestOptions:
    dependencies = test.get("DEPENDENCIES")
    if isinstance(dependencies, str):
        raise ProjectError(
            f"DATABASES[{name!r}]['TEST']['DEPENDENCIES'] is the string {dependencies!r}.",
            hint=f"It is a list of aliases: [{dependencies!r}].",
        )
    serialize = test.get("SERIALIZE")
    return TestOptions(
        name=_text(test.get("NAME")),
        mirror=_text(test.get("MIRROR")),
        dependencies=None if dependencies is None else tuple(map(str, dependencies)),
        charset=_text(test.get("CHARSET")),
        collation=_text(test.get("COLLATION")),
        template=_text(test.get("TEMPLATE")),
        migrate=bool(test.get("MIGRATE", True)),
        serialize=None if serialize is None else bool(serialize),
    )


def _text(value: object) -> str | None:
    return str(value) if value else None


def _test_name(alias: str, vendor: str, database: str, test: TestOptions) -> str:
    """The test database's name by Django's rule (``_get_test_db_name`` of each backend)."""
    if vendor == "sqlite":
        if test.name in (None, ":memory:"):
            return f"file:memorydb_{alias}?mode=memory&cache=shared"
        return str(test.name)
    return test.name or f"test_{database}"
