"""The actions of a test on servers: those that are possible, and their end after the test."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from harness.errors import ServerError, UsageError
from harness.host.run.actions.failover import FAILOVER, after, refusal
from harness.host.run.actions.server_actions import carry_out
from harness.protocol.events import ServerActionWanted
from harness.protocol.messages import ALONE, MAKE_LATE, PUT_RIGHT, RENEWED


class FakeServer:
    def __init__(self, id: str, log: list[str]) -> None:
        self._id = id
        self._log = log
        self.fails = False

    def control(self, action: str) -> None:
        self._log.append(f"{action} {self._id}")
        if self.fails:
            raise ServerError(f"{action} has failed", "the next step", "the log")


class FakeServers:
    may_be_disturbed = True
    ids = ("default", "replica")

    def __init__(self) -> None:
        self.log: list[str] = []
        self._late: set[str] = set()
        self.disturbing = threading.Lock()
        self.disturbed: dict[str, frozenset[str]] = {}
        self._servers = {id: FakeServer(id, self.log) for id in self.ids}

    def server(self, id: str) -> FakeServer:
        return self._servers[id]

    def renew(self, id: str, *, lags: bool = False) -> None:
        self.log.append(f"renew {id}" + " to be late" * lags)
        self._late = {id} if lags else set()

    def is_late(self, id: str) -> bool:
        return id in self._late

    def lag_proxy(self, id: str) -> FakeServers:
        return self

    def thaw(self, id: str) -> None:
        self.log.append(f"thaw {id}")

    def lag(self, id: str, seconds: float) -> None:
        self.log.append(f"lag {id} {seconds:g}")


@pytest.fixture
def servers() -> Any:
    return FakeServers()


@pytest.mark.parametrize(
    ("actions", "disturbed"),
    [
        ("pause", "pause"),
        ("pause resume", ""),
        ("stop", "stop"),
        ("stop start", ""),
        ("pause stop", "stop"),
        ("promote stop start", "promote"),
        ("cut_off pause resume", "cut_off"),
        ("resume start", ""),
    ],
)
def test_what_disturbs_a_server_after_several_actions(actions: str, disturbed: str) -> None:
    found: frozenset[str] = frozenset()
    for action in actions.split():
        assert refusal(action, found) == ""
        found = after(action, found)
    assert found == frozenset(disturbed.split())


@pytest.mark.parametrize(
    ("before", "action", "next_step"),
    [
        ("pause", "promote", "resume() first"),
        ("pause", "cut_off", "resume() first"),
        ("stop", "pause", "start() first"),
        ("stop", "promote", "start() first"),
        ("promote", "cut_off", "has no primary"),
        ("promote", MAKE_LATE, "has no primary"),
        ("cut_off", MAKE_LATE, "come before other actions"),
    ],
)
def test_what_is_impossible(before: str, action: str, next_step: str, servers: Any) -> None:
    servers.disturbed["replica"] = frozenset({before})
    with pytest.raises(ServerError, match=r"is impossible|cannot be late") as raised:
        FAILOVER[action](servers, "replica", "")
    assert next_step in raised.value.hint
    assert servers.log == []


def test_primaries_come_first_and_promoted_ones_are_replaced(servers: Any) -> None:
    for action, server in [("promote", "replica"), ("stop", "default")]:
        FAILOVER[action](servers, server, "")
    FAILOVER[PUT_RIGHT](servers, "", "")
    assert servers.log == ["promote replica", "stop default", "put_right default", "renew replica"]
    assert servers.disturbed == {}
    FAILOVER[PUT_RIGHT](servers, "", "")
    assert len(servers.log) == 4


def test_a_server_whose_action_fails_is_put_right_too(servers: Any) -> None:
    servers.server("default").fails = True
    with pytest.raises(ServerError, match="stop has failed"):
        FAILOVER["stop"](servers, "default", "")
    assert "default" in servers.disturbed
    done = carry_out(servers, ServerActionWanted("repair.1", PUT_RIGHT, ""))
    assert done.error == "The server default could not be put right after a test: put_right has failed"
    assert (done.hint, done.evidence) == ("the next step", "the log")
    assert "default" in servers.disturbed


def test_a_replica_that_can_be_late_is_made_once(servers: Any) -> None:
    assert FAILOVER[MAKE_LATE](servers, "replica", "") == RENEWED
    assert FAILOVER[MAKE_LATE](servers, "replica", "") == ""
    FAILOVER[PUT_RIGHT](servers, "", "")
    assert FAILOVER[MAKE_LATE](servers, "replica", "") == ""
    assert servers.log == ["renew replica to be late", "put_right replica", "thaw replica", "lag replica 0"]


def test_servers_that_outlive_the_run_are_left_alone(servers: Any) -> None:
    assert FAILOVER[ALONE](servers, "", "") == ""
    servers.may_be_disturbed = False
    with pytest.raises(UsageError, match="outlive the run"):
        FAILOVER[ALONE](servers, "", "")
