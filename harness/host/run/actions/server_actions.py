"""Carries out the actions on servers that tests ask for, and answers each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from harness.errors import HarnessError, ServerError
from harness.host.run.actions.failover import FAILOVER
from harness.protocol.events import ServerActionWanted
from harness.protocol.messages import ServerActionDone

if TYPE_CHECKING:
    from harness.host.run.servers import Servers

Action = Callable[["Servers", str, str], str]
"""Acts on one server, by its id, with the value of the request. Returns the answer, and raises ``HarnessError``."""


def _lag(servers: Servers, server: str, value: str) -> str:
    seconds, _, holder = value.partition(" ")
    servers.lag_proxy(server).lag(server, float(seconds), holder)
    return ""


def _freeze(servers: Servers, server: str, _value: str) -> str:
    servers.lag_proxy(server).freeze(server)
    return ""


def _thaw(servers: Servers, server: str, _value: str) -> str:
    servers.lag_proxy(server).thaw(server)
    return ""


ACTIONS: Mapping[str, Action] = {"lag": _lag, "freeze": _freeze, "thaw": _thaw, **FAILOVER}
"""The actions by their names. ``lag`` has the seconds as its value, with a space and their holder if it has one."""


def carry_out(
    servers: Servers | None, wanted: ServerActionWanted, actions: Mapping[str, Action] = ACTIONS
) -> ServerActionDone:
    """Carry out the action that is *wanted* on one of *servers*, and return the answer. Raises nothing: a test waits for it."""
    try:
        if servers is None or (action := actions.get(wanted.action)) is None:
            raise ServerError(f"The host knows no action {wanted.action!r} on the servers of this run.")
        return ServerActionDone(wanted.request, action(servers, wanted.server, wanted.value))
    except Exception as raised:  # noqa: BLE001 - a bug in an action is an answer too
        error = HarnessError.of(raised)
        text = error.message or f"{wanted.action} on {wanted.server} failed."
        return ServerActionDone(wanted.request, error=text, hint=error.hint, evidence=error.evidence)
