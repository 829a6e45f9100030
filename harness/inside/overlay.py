"""Routes and endpoints to ``DATABASES``: what of the project's settings changes so that it meets the run's servers.

Owns every write to the settings' databases. They change in place, since Django's connections hold the same dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from harness.contract.runspec import Endpoint, Route

_TEST_KEYS_OF_AN_ENGINE = ("CHARSET", "COLLATION", "TEMPLATE", "NAME")


def apply_routes(databases: MutableMapping[str, dict[str, Any]], routes: Sequence[Route]) -> list[str]:
    """Make *databases* fit the engines that the run was planned with; what was dropped is said, a sentence each.

    Hosts, ports and passwords come later, by ``apply_endpoints``.
    """
    notices = []
    for route in routes:
        config = databases[route.alias]
        test = config.setdefault("TEST", {})
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
        elif dropped := [key for key in options if key in route.drop_options]:
            notices.append(f"{route.alias}: OPTIONS {_listed(dropped)} name the old server; dropped.")
            options = {key: value for key, value in options.items() if key not in dropped}
        config["OPTIONS"] = options
        if route.server is not None:
            config["USER"] = route.user
        if route.test_name:
            test["NAME"] = route.test_name
    return notices


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
    """Holds back the first connection until the servers are ready, whoever opens it: an import of the project may.

    ``open`` is idempotent; ``wait`` returns when the servers are ready and has pointed the settings at them.
    """

    def __init__(self, wait: Callable[[], None], aliases: Sequence[str]) -> None:
        self._wait = wait
        self._aliases = frozenset(aliases)
        self._connect = BaseDatabaseWrapper.connect

    def close(self) -> None:
        """Let nobody through."""
        gate, connect = self, self._connect

        def connect_when_ready(wrapper: BaseDatabaseWrapper) -> None:
            if wrapper.alias in gate._aliases:
                gate.open()
            connect(wrapper)

        BaseDatabaseWrapper.connect = connect_when_ready  # type: ignore[method-assign, assignment]  # for every backend at once

    def open(self) -> None:
        """Wait for the servers, once, and let everybody through."""
        if BaseDatabaseWrapper.connect is not self._connect:
            BaseDatabaseWrapper.connect = self._connect  # type: ignore[method-assign]  # put back what was there
            self._wait()


def _listed(names: Any) -> str:
    return ", ".join(sorted(map(str, names)))
