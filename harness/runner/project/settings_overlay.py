"""Applies routes and endpoints to ``DATABASES``, so that the project's aliases connect to the run's servers.

Owns every write to the settings' databases. They change in place, since Django's connections hold the same dictionaries.
Apps may change or replace them as they are loaded: ``Overlay`` then applies the routes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from ...errors import ProjectError
from ...protocol.messages import Endpoint, Route
from ...protocol.topology import DUMMY_BACKEND
from ..databases import clones
from ..failures import import_advice
from .vendors import needs_apps, vendor_of

_DRIVERS = {"postgresql": "psycopg[binary]", "mysql": "mysqlclient"}
_ALWAYS_THERE = {"postgresql": "postgres", "mysql": "mysql"}
"""The database that every server of a vendor has."""
"""The backend of the ``default`` that Django adds to settings without one."""
_TEST_KEYS_OF_AN_ENGINE = ("CHARSET", "COLLATION", "TEMPLATE", "NAME")


def apply_routes(databases: MutableMapping[str, dict[str, Any]], routes: Sequence[Route]) -> list[str]:
    """Change *databases* to the engines that the run was planned with; a sentence for each group of options that was dropped.

    Each ``MIRROR`` and each dependency becomes the alias at the end of its chain of mirrors: Django follows no chain. Hosts,
    ports and passwords come later, by ``apply_endpoints``.
    """
    notices = []
    primaries = {route.alias: route.mirror_of or route.alias for route in routes}
    for route in routes:
        config = databases[route.alias]
        test = config.setdefault("TEST", {})
        if route.mirror_of is not None:
            test["MIRROR"] = route.mirror_of
        if test.get("DEPENDENCIES") is not None:
            test["DEPENDENCIES"] = [primaries[alias] for alias in route.dependencies]
        options = config.get("OPTIONS") or {}
        if config.get("ENGINE") != route.backend:
            if options:
                notices.append(f"{route.alias}: OPTIONS {_listed(options)} belong to {config.get('ENGINE')}; dropped.")
            options = {}
            config["ENGINE"] = route.backend
            for key in _TEST_KEYS_OF_AN_ENGINE:
                test.pop(key, None)
            if route.test_name:
                config["NAME"] = route.test_name.removeprefix("test_")
            elif route.server is None:
                # the server's database name would be a file's, which an early connection would create
                config["NAME"] = ":memory:"
        elif dropped := [key for key in options if key in route.drop_options]:
            notices.append(f"{route.alias}: OPTIONS {_listed(dropped)} name the old server; dropped.")
            options = {key: value for key, value in options.items() if key not in dropped}
        config["OPTIONS"] = options
        if route.server is not None:
            config["USER"] = route.user
        if route.test_name:
            test["NAME"] = route.test_name
    return notices


def load_backends(routes: Sequence[Route]) -> None:
    """Import the backend of each alias that has a server. Raises ``ProjectError`` where a driver is missing: Django itself
    would raise from within whichever import of the project comes first. A backend that imports models is left to Django.
    """
    missing: list[tuple[Route, Exception]] = []
    for route in routes:
        if route.server is None:
            continue
        try:
            load_backend(route.backend)
        except Exception as error:
            if needs_apps(error):
                continue
            if not isinstance(error, (ImportError, ImproperlyConfigured)):
                raise
            missing.append((route, error))
    if missing:
        raise _missing_drivers(missing) from missing[0][1]


def _missing_drivers(missing: Sequence[tuple[Route, Exception]]) -> ProjectError:
    """The error for aliases whose backend cannot be loaded, with the drivers of all of them."""
    vendors = {vendor_of(route.alias, route.backend) for route, _ in missing}
    drivers = ", ".join(f'"{driver}"' for vendor, driver in _DRIVERS.items() if vendor in vendors) or '"..."'
    hint = (
        f"Add the driver to the requirements of the project's tests, or to [tool.harness]: extra_install = [{drivers}]."
    )
    if "mysql" in vendors:
        hint += " PyMySQL in place of mysqlclient needs pymysql.install_as_MySQLdb() in the settings."
    lines = [
        f"The alias {route.alias!r} is tested with {route.backend}, which cannot be loaded: {error}"
        for route, error in missing
    ]
    advice = next(
        filter(None, (import_advice(error) for _, error in missing if not isinstance(error, ImportError))), hint
    )
    return ProjectError("\n".join(lines), hint=advice)


def in_memory(routes: Iterable[Route], endpoints: Iterable[Endpoint]) -> frozenset[str]:
    """The aliases whose server has its databases in memory."""
    servers = {endpoint.server for endpoint in endpoints if endpoint.is_in_memory}
    return frozenset(route.alias for route in routes if route.server in servers)


class Overlay:
    """The routes of a run on all dictionaries from which Django makes connections: those of the settings, those that an app has
    put in their place, and those of connections that exist.
    """

    def __init__(self, routes: Sequence[Route], notice: Callable[[str, str], None]) -> None:
        self._routes = {route.alias: route for route in routes}
        self._notice = notice
        self.in_memory: frozenset[str] = frozenset()
        """The aliases whose server has its databases in memory; empty until the servers are ready."""
        for text in apply_routes(settings.DATABASES, routes):
            notice("options-dropped", text)
        self._states = {alias: [_state(config)] for alias, config in settings.DATABASES.items()}

    def apply_again(self) -> None:
        """Apply the routes to dictionaries that have changed since. Raises ``ProjectError`` for an alias that is new, or has
        become one that needs a server.
        """
        for alias, config in _dictionaries():
            if (route := self._routes.get(alias)) is None:
                if config.get("ENGINE") == DUMMY_BACKEND:
                    continue
                raise _unplanned(alias, "added", config)
            if (state := _state(config)) not in self._states[alias]:
                self._apply_to(config, route)
                if len(self._states[alias]) == 1:
                    planned = self._states[alias][0]
                    keys = _listed(key for key, value in state.items() if value != planned[key])
                    self._notice("settings-changed", f"{alias}: an app changed {keys} of DATABASES as it was loaded.")
                self._states[alias].append(_state(config))

    def _apply_to(self, config: dict[str, Any], route: Route) -> None:
        vendor = vendor_of(route.alias, str(config["ENGINE"]))
        if route.server is None and vendor in _ALWAYS_THERE:
            raise _unplanned(route.alias, f"changed to {vendor}", config)
        if vendor == vendor_of(route.alias, route.backend):
            route = replace(route, backend=str(config["ENGINE"]))
        for text in apply_routes({route.alias: config}, [route]):
            self._notice("options-dropped", text)

    def point_at(self, endpoints: Sequence[Endpoint]) -> None:
        """Point each alias at its server."""
        by_server = {endpoint.server: endpoint for endpoint in endpoints}
        self.in_memory = in_memory(self._routes.values(), endpoints)
        for alias, config in _dictionaries():
            route = self._routes.get(alias)
            if route is not None and route.server is not None:
                endpoint = by_server[route.server]
                config.update(HOST=endpoint.host, PORT=str(endpoint.port), PASSWORD=endpoint.password)


def _dictionaries() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each dictionary from which a connection is or may be made, with its alias."""
    yield from settings.DATABASES.items()
    yield from connections.settings.items()
    for connection in connections.all(initialized_only=True):
        yield connection.alias, connection.settings_dict


def _state(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values of *config* that routes replace, without what Django adds as a default."""
    test = {key: value for key, value in (config.get("TEST") or {}).items() if value not in (None, True)}
    values = {key: config.get(key) or "" for key in ("ENGINE", "NAME", "USER")}
    return {**values, "OPTIONS": dict(config.get("OPTIONS") or {}), "TEST": test}


def _unplanned(alias: str, change: str, config: Mapping[str, Any]) -> ProjectError:
    return ProjectError(
        f"DATABASES[{alias!r}] was {change} as the apps were loaded: no server was planned for it.",
        hint=f"Servers are planned by DATABASES in the settings module. Name the alias there: DATABASES[{alias!r}] ="
        f' {{"ENGINE": "{config.get("ENGINE")}", ...}}. AppConfig.ready() may then change the other keys.',
    )


class Gate:
    """Holds back connections until the servers are ready, also those that an import of the project opens.

    *await_servers* returns when the servers are ready and the settings point at them. Each early connection to one of
    *aliases* calls it, since an app may have changed the settings in between. An early connection is to a database that
    exists: the tests' databases are not made yet.
    """

    def __init__(self, await_servers: Callable[[], None], aliases: Sequence[str]) -> None:
        self._await_servers = await_servers
        self._is_open = False
        self._connect = connect = BaseDatabaseWrapper.connect

        def connect_early(wrapper: BaseDatabaseWrapper) -> None:
            if wrapper.alias not in aliases:
                return connect(wrapper)
            await_servers()
            name = wrapper.settings_dict["NAME"]
            wrapper.settings_dict["NAME"] = _ALWAYS_THERE.get(wrapper.vendor, name)
            clones.close(wrapper)  # Django makes a pool before it connects, of the address from before
            try:
                return connect(wrapper)
            finally:
                wrapper.settings_dict["NAME"] = name

        BaseDatabaseWrapper.connect = connect_early  # type: ignore[method-assign, assignment]  # for every backend at once

    def open(self) -> None:
        """Wait for the servers, and let all connections through from now on. Does nothing the second time."""
        if not self._is_open:
            self._is_open = True
            BaseDatabaseWrapper.connect = self._connect  # type: ignore[method-assign]  # put back what was there
            self._await_servers()
            clones.close_connections()


def _listed(names: Any) -> str:
    return ", ".join(sorted(map(str, names)))
