"""The requests and the waits of a worker around the body of a test."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import ServerError
from harness.protocol.messages import SYNC, Lag
from harness.runner.replication import lag as module
from harness.runner.replication.lag import ReplicaLag

SERVERS = {"replica": "db2", "twin": "db2", "far": "db3"}


class Recorder:
    """Takes the place of host, links and connections, and keeps what happens in order."""

    def __init__(self) -> None:
        self.steps: list[tuple[Any, ...]] = []

    def ask(self, action: str, server: str, value: str) -> str:
        self.steps.append((action, server, value))
        return ""

    def link(self, *, fails: bool = False) -> Any:
        steps = self.steps

        class Link:
            def wait(self, replica: str, deadline_s: float) -> None:
                steps.append(("wait", replica, deadline_s))
                if fails:
                    raise ServerError("did not catch up")

        return Link()


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    class Connection(str):
        __slots__ = ()

        def inc_thread_sharing(self) -> None: ...

    monkeypatch.setattr(module, "server_connection", Connection)
    return Recorder()


def body(recorder: Recorder, lag: Lag, *aliases: str) -> list[tuple[Any, ...]]:
    replicas = ReplicaLag(lag, SERVERS, recorder.ask)
    assert replicas.is_waiting
    with replicas.body({alias: recorder.link() for alias in aliases}):
        assert not replicas.is_waiting
        recorder.steps.append(("body",))
    assert replicas.is_waiting
    return recorder.steps


def test_natural_waits_once_and_asks_for_nothing(recorder: Recorder) -> None:
    assert body(recorder, Lag("natural"), "replica") == [("wait", "replica", 30.0), ("body",)]


def test_a_duration_is_asked_for_the_body_alone(recorder: Recorder) -> None:
    steps = [("wait", "replica", 32.0), ("lag", "db2", "2.0 "), ("body",), ("lag", "db2", "0 ")]
    assert body(recorder, Lag("delayed", 2.0), "replica") == steps


def test_a_replica_is_prompt_for_a_part_of_the_body(recorder: Recorder) -> None:
    replicas = ReplicaLag(Lag("delayed", 2.0), SERVERS, recorder.ask, "slot 1")
    with replicas.prompt("replica"):
        recorder.steps.append(("wait",))
    assert recorder.steps == [("lag", "db2", "0 slot 1"), ("wait",), ("lag", "db2", "2.0 slot 1")]


def test_frozen_is_frozen_after_the_wait_and_for_the_body_alone(recorder: Recorder) -> None:
    steps = body(recorder, Lag("frozen"), "replica", "far")
    assert [step[0] for step in steps] == ["wait", "wait", "freeze", "freeze", "body", "thaw", "thaw"]


def test_two_aliases_of_one_server_freeze_it_once(recorder: Recorder) -> None:
    steps = body(recorder, Lag("frozen"), "replica", "twin")
    assert [step for step in steps if step[0] == "freeze"] == [("freeze", "db2", "")]


def test_a_body_that_raises_is_thawed(recorder: Recorder) -> None:
    replicas = ReplicaLag(Lag("frozen"), SERVERS, recorder.ask)
    with pytest.raises(ValueError, match="of the test"), replicas.body({"far": recorder.link()}):
        raise ValueError("of the test")
    assert recorder.steps[-1] == ("thaw", "db3", "")
    assert replicas.is_waiting


def test_a_lag_that_is_given_up_in_set_up_has_no_body(recorder: Recorder) -> None:
    replicas = ReplicaLag(Lag("frozen"), SERVERS, recorder.ask)
    replicas.give_up()
    with replicas.body({"far": recorder.link()}):
        recorder.steps.append(("body",))
    assert recorder.steps == [("thaw", "db2", ""), ("thaw", "db3", ""), ("body",)]


def test_a_lag_that_is_given_up_in_a_body_is_not_ended_again(recorder: Recorder) -> None:
    replicas = ReplicaLag(Lag("delayed", 2.0), SERVERS, recorder.ask)
    with replicas.body({"far": recorder.link()}):
        replicas.give_up()
        recorder.steps.append(("freeze", "db3", "of the test"))
    assert recorder.steps[-1] == ("freeze", "db3", "of the test")
    assert replicas.is_waiting


def test_a_replica_that_does_not_catch_up_is_not_frozen(recorder: Recorder) -> None:
    replicas = ReplicaLag(Lag("frozen"), SERVERS, recorder.ask)
    with pytest.raises(ServerError, match="did not catch up"), replicas.body({"far": recorder.link(fails=True)}):
        pass
    assert [step[0] for step in recorder.steps] == ["wait"]


@pytest.mark.parametrize(
    ("lag", "steps"),
    [
        (SYNC, []),
        (Lag("natural"), []),
        (Lag("delayed", 0.5), [("lag", "db2", "0 slot 3"), ("lag", "db3", "0 slot 3")]),
        (Lag("frozen"), [("thaw", "db2", ""), ("thaw", "db3", "")]),
    ],
)
def test_a_worker_ends_what_an_earlier_one_of_its_slot_has_left(
    recorder: Recorder, lag: Lag, steps: list[tuple[str, ...]]
) -> None:
    ReplicaLag(lag, SERVERS, recorder.ask, "slot 3").end()
    assert recorder.steps == steps


@pytest.mark.parametrize(("mode", "is_lagging"), [("sync", False), ("natural", True), ("frozen", True)])
def test_bodies_matter_where_replicas_lag(mode: Any, is_lagging: bool) -> None:
    assert ReplicaLag(Lag(mode), SERVERS, lambda *_: "").is_lagging is is_lagging
    assert not ReplicaLag(Lag(mode), {}, lambda *_: "").is_lagging
