"""Whether the servers of this process's databases can be reached: after an error it may be they who are gone."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from django.db import connections
from django.db.utils import DatabaseError

from ..errors import ServerError
from .replication import server_connection

GONE_S = 10.0
"""How long a server is waited for: the host, which knows why, ends the run sooner than that."""
_PAUSE_S = 0.1


def await_servers(is_stopping: Callable[[], bool]) -> None:
    """Return when every server takes connections, or the run ends anyway. Raises ``ServerError`` for one that does not.

    So a server that is gone costs the tests that it hit, and not each one that comes after.
    """
    deadline = time.monotonic() + GONE_S
    while (unreachable := _unreachable()) and not is_stopping():
        if time.monotonic() > deadline:
            alias, error = unreachable
            raise ServerError(
                f"The server of {alias!r} cannot be reached: {error}", hint="Its log is among the artifacts."
            )
        time.sleep(_PAUSE_S)


def _unreachable() -> tuple[str, Exception] | None:
    for connection in connections.all():
        settings = connection.settings_dict
        if connection.vendor != "sqlite" and settings.get("HOST") and str(settings.get("PORT", "")).isdecimal():
            try:
                socket.create_connection((settings["HOST"], int(settings["PORT"])), timeout=1).close()
                server_connection(connection.alias).close()  # one that shuts down takes connections, and then none
            except (OSError, DatabaseError) as error:
                return connection.alias, error
    return None
