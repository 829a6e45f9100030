"""Applies routes and endpoints to ``DATABASES``, so that the project's aliases connect to the run's servers.

Owns every write to the settings' databases. They change in place, since Django's connections hold the same dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from ...errors import ProjectError
from ...protocol.messages import Endpoint, Route
from .vendors import needs_apps, vendor_of

_DRIVERS = {
    "postgresql": "psycopg[binary]",
    "mysql": "mysqlclient (or PyMySQL, with pymysql.install_as_MySQLdb() in the settings)",
}
_ALWAYS_THERE = {"postgresql": "postgres", "mysql": "mysql"}
"""The database that every server of a vendor has."""
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
            driver = _DRIVERS.get(vendor_of(route.alias, route.backend), "its driver")
            raise ProjectError(
                f"The alias {route.alias!r} is tested with {route.backend}, which cannot be loaded: {error}",
                hint=f"Add {driver} to the requirements of the project's tests, or to [tool.harness] install.",
            ) from error


def apply_endpoints(
    databases: MutableMapping[str, dict[str, Any]], routes: Sequence[Route], endpoints: Sequence[Endpoint]
) -> None:
    """Point each alias at its server."""
    by_server = {endpoint.server: endpoint for endpoint in endpoints}
    for route in routes:
        if route.server is not None:
            endpoint = by_server[route.server]
            databases[route.alias].update(HOST=endpoint.host, PORT=str(endpoint.port), PASSWORD=endpoint.password)


class Gate:
    """Holds back connections until the servers are ready, also those that an import of the project opens.

    *await_servers* returns when the servers are ready and the settings point at them; the first connection to one of *aliases*
    calls it, once. An early connection is to a database that exists: the tests' databases are not made yet.
    """

    def __init__(self, await_servers: Callable[[], None], aliases: Sequence[str]) -> None:
        self._await_servers: Callable[[], None] | None = await_servers
        self._connect = connect = BaseDatabaseWrapper.connect

        def connect_early(wrapper: BaseDatabaseWrapper) -> None:
            if wrapper.alias not in aliases:
                return connect(wrapper)
            self._wait()
            name = wrapper.settings_dict["NAME"]
            wrapper.settings_dict["NAME"] = _ALWAYS_THERE.get(wrapper.vendor, name)
            try:
                return connect(wrapper)
            finally:
                wrapper.settings_dict["NAME"] = name

        BaseDatabaseWrapper.connect = connect_early  # type: ignore[method-assign, assignment]  # for every backend at once

    def open(self) -> None:
        """Wait for the servers, and let all connections through from now on."""
        BaseDatabaseWrapper.connect = self._connect  # type: ignore[method-assign]  # put back what was there
        self._wait()

    def _wait(self) -> None:
        if self._await_servers is not None:
            await_servers, self._await_servers = self._await_servers, None
            await_servers()


def _listed(names: Any) -> str:
    return ", ".join(sorted(map(str, names)))
