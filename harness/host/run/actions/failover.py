"""The actions of a test of failover: each disturbs one server, and ``put_right`` undoes all of them.

While servers are disturbed, the run does not take what is done to them for a loss. ``images/control.sh`` acts beside a server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from harness.errors import HarnessError, ServerError, UsageError
from harness.protocol.messages import ALONE, MAKE_LATE, PUT_RIGHT, RENEWED

if TYPE_CHECKING:
    from harness.host.run.servers import Servers

ENDS = {"resume": "pause", "start": "stop"}
"""The actions that end another one."""
OF_REPLICAS = frozenset({"promote", "cut_off"})
LASTING = frozenset({"pause", "stop", *OF_REPLICAS})
"""The actions after which a server is not as it was."""


def refusal(action: str, before: frozenset[str]) -> str:
    """Why *action* is impossible on a server that the actions *before* have disturbed, with the next step; empty if it is not."""
    if "pause" in before and action in OF_REPLICAS:
        return "It is paused: resume() first."
    if "stop" in before and action in {"pause", *OF_REPLICAS}:
        return "It is stopped: start() first."
    if "promote" in before and action in {"cut_off", MAKE_LATE}:
        return "It is promoted, and has no primary."
    if before - {MAKE_LATE} and action == MAKE_LATE:
        return "lag() and freeze() come before other actions on a replica: another one may take its place."
    return ""


def after(action: str, before: frozenset[str]) -> frozenset[str]:
    """The actions that disturb a server after *action*; *before* are those before it. A server that is stopped is not paused."""
    if action == "stop":
        return before - {"pause"} | {action}
    if action in LASTING:
        return before | {action}
    return before - {ENDS.get(action, "")}


def disturb(action: str, servers: Servers, server: str, _value: str) -> str:
    """Carry out *action* on *server*. Raises ``ServerError`` where it is impossible, or fails."""
    with servers.disturbing:
        before = servers.disturbed.get(server, frozenset())
        if text := refusal(action, before):
            raise ServerError(f"{action}() of the server {server} is impossible.", hint=text)
        servers.disturbed[server] = before | {
            action
        }  # before it is done: the watch may see it, and it may fail half-way
        servers.server(server).control(action)
        servers.disturbed[server] = after(action, before)
    return ""


def make_late(servers: Servers, server: str, _value: str) -> str:
    """Prepare the replica *server* for ``lag`` and ``freeze``. Returns ``renewed`` if another takes its place, which is still to
    catch up. Raises ``ServerError``.
    """
    with servers.disturbing:
        before = servers.disturbed.get(server, frozenset())
        if text := refusal(MAKE_LATE, before):
            raise ServerError(f"The server {server} cannot be late.", hint=text)
        servers.disturbed[server] = before | {MAKE_LATE}
        if servers.is_late(server):
            return ""
        servers.renew(server, lags=True)
        return RENEWED


def put_right(servers: Servers, _server: str, _value: str) -> str:
    """Undo what tests have done to the servers, and return when they serve. Raises ``ServerError`` where that is impossible."""
    with servers.disturbing:
        for server in [id for id in servers.ids if id in servers.disturbed]:  # primaries come first
            try:
                if "promote" in servers.disturbed[server]:
                    servers.renew(server)
                else:
                    servers.server(server).control("put_right")
                if MAKE_LATE in servers.disturbed[server]:
                    servers.lag_proxy(server).thaw(server)
                    servers.lag_proxy(server).lag(server, 0.0)
            except HarnessError as error:
                text = f"The server {server} could not be put right after a test: {error.message}"
                raise ServerError(text, error.hint, error.evidence) from error
        servers.disturbed.clear()
    return ""


def begin(servers: Servers, _server: str, _value: str) -> str:
    """Answer a test that is alone, and may now disturb servers. Raises ``UsageError`` for servers that are not of this run."""
    if not servers.may_be_disturbed:
        raise UsageError(
            "Servers that outlive the run, as those of harness up do, cannot be disturbed by tests.",
            hint="harness down ends them; the run then starts its own.",
        )
    return ""


FAILOVER: Mapping[str, Callable[[Servers, str, str], str]] = {
    ALONE: begin,
    MAKE_LATE: make_late,
    PUT_RIGHT: put_right,
    **{action: partial(disturb, action) for action in (*LASTING, *ENDS)},
}
