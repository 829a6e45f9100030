"""Each request for an action on a server gets one answer, whatever the action does."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ServerError
from harness.host.run.actions.server_actions import carry_out
from harness.protocol.events import ServerActionWanted
from harness.protocol.messages import ServerActionDone

SERVERS: Any = object()


def refuse(servers: Any, server: str, value: str) -> str:
    raise ServerError(f"{server} cannot", "the next step", "its log")


def fail(servers: Any, server: str, value: str) -> str:
    raise ValueError(value)


def test_the_answer_of_an_action() -> None:
    wanted = ServerActionWanted("70.1", "lag", "replica", "2s")
    done = carry_out(SERVERS, wanted, {"lag": lambda _servers, server, value: f"{server} {value}"})
    assert done == ServerActionDone("70.1", "replica 2s")


def test_the_error_of_an_action() -> None:
    done = carry_out(SERVERS, ServerActionWanted("70.1", "lag", "replica"), {"lag": refuse})
    assert done == ServerActionDone("70.1", "", "replica cannot", "the next step", "its log")


def test_a_bug_in_an_action_is_an_answer() -> None:
    done = carry_out(SERVERS, ServerActionWanted("70.1", "lag", "replica", "odd"), {"lag": fail})
    assert "ValueError" in done.error + done.evidence


@pytest.mark.parametrize("servers", [SERVERS, None])
def test_an_action_that_is_unknown(servers: Any) -> None:
    done = carry_out(servers, ServerActionWanted("70.1", "explode", "replica"))
    assert "no action 'explode'" in done.error


class Proxy:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def lag(self, replica: str, seconds: float, holder: str = "") -> None:
        self.calls.append(("lag", replica, seconds, holder))

    def freeze(self, replica: str) -> None:
        self.calls.append(("freeze", replica))

    def thaw(self, replica: str) -> None:
        self.calls.append(("thaw", replica))


@pytest.mark.parametrize(
    ("action", "value", "call"),
    [
        ("lag", "0.5", ("lag", "db2", 0.5, "")),
        ("lag", "2.0 slot 1", ("lag", "db2", 2.0, "slot 1")),
        ("freeze", "", ("freeze", "db2")),
        ("thaw", "", ("thaw", "db2")),
    ],
)
def test_the_actions_on_a_replica_that_lags(action: str, value: str, call: tuple[object, ...]) -> None:
    proxy = Proxy()
    servers: Any = SimpleNamespace(lag_proxy=lambda _replica: proxy)
    assert not carry_out(servers, ServerActionWanted("70.1", action, "db2", value)).error
    assert proxy.calls == [call]
