"""A worker's way to the servers, and their repair before anything else starts."""

from typing import Any

import pytest

from harness.errors import ServerError
from harness.protocol.events import ServerActionWanted
from harness.protocol.messages import MAKE_LATE, PUT_RIGHT, RENEWED, ServerActionDone
from harness.runner.servers.failover import Failover, Repair, seconds_of, server_of

SERVERS: Any = {"default": ("default", "primary"), "other": ("default", "primary"), "copy": ("replica", "replica")}


class FakeJournal:
    def __init__(self) -> None:
        self.events: list[Any] = []

    def write(self, event: Any) -> None:
        self.events.append(event)

    def notice(self, code: str, text: str) -> None:
        self.events.append((code, text))


class FakeMirrors:
    is_waiting = True

    def stop_waiting(self) -> None:
        self.is_waiting = False


@pytest.fixture
def journal() -> Any:
    return FakeJournal()


def test_the_server_of_an_alias() -> None:
    assert server_of(SERVERS, "other", "primary") == ("default", "")
    assert server_of(SERVERS, "copy", "replica") == ("replica", "")
    assert (
        "'copy' has no primary server of its own. topology().primary() takes 'default', 'other'"
        in (server_of(SERVERS, "copy", "primary")[1])
    )
    assert "No alias of this run has a replica" in server_of({}, "default", "replica")[1]


def test_an_action_goes_to_the_server_of_its_alias() -> None:
    asked: list[tuple[str, str, str]] = []
    mirrors: Any = FakeMirrors()
    failover = Failover(SERVERS, lambda *words: asked.append(words) or "", mirrors)  # type: ignore[func-returns-value]  # None
    assert failover.act("copy", "primary", "pause", "") == server_of(SERVERS, "copy", "primary")[1]
    assert mirrors.is_waiting
    assert failover.act("copy", "replica", "lag", "1s") == ""
    assert failover.act("copy", "replica", "freeze", "") == ""
    assert failover.act("copy", "replica", "promote", "") == ""
    late = ("make_late", "replica", "")
    assert asked == [late, ("lag", "replica", "1.0"), late, ("freeze", "replica", ""), ("promote", "replica", "")]
    assert "'soon' is no duration" in failover.act("copy", "replica", "lag", "soon")
    assert not mirrors.is_waiting


def test_no_action_follows_a_lag_that_cannot_end() -> None:
    mirrors: Any = FakeMirrors()

    def fail() -> None:
        raise ServerError("The replica of 'default' did not catch up.", "Look at its log.")

    mirrors.stop_waiting = fail
    asked: list[tuple[str, str, str]] = []
    failover = Failover(SERVERS, lambda *words: asked.append(words) or "", mirrors)  # type: ignore[func-returns-value]  # None
    assert (
        failover.act("default", "primary", "stop", "") == "The replica of 'default' did not catch up. Look at its log."
    )
    assert asked == []


def test_a_new_replica_catches_up_before_it_is_frozen() -> None:
    steps: list[str] = []
    mirrors: Any = FakeMirrors()
    mirrors.await_new_replica = lambda alias: steps.append(f"await {alias}")

    def ask(action: str, server: str, value: str) -> str:
        steps.append(action)
        return RENEWED if action == MAKE_LATE else ""

    assert Failover(SERVERS, ask, mirrors).act("copy", "replica", "freeze", "") == ""
    assert steps == [MAKE_LATE, "await copy", "freeze"]


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("2s", 2.0), ("0s", 0.0), ("1.5s", 1.5)])
def test_a_duration(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "500", "-1s", "1 s", "1h"])
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="500ms, 2s"):
        seconds_of(text)


def test_an_error_of_the_host_is_a_text() -> None:
    def refuse(action: str, server: str, value: str) -> str:
        raise ServerError("It is stopped.", "start() first.", "the log")

    failover = Failover(SERVERS, refuse, FakeMirrors())  # type: ignore[arg-type]  # as much of it as is used
    assert failover.act("default", "primary", "pause", "") == "It is stopped. start() first.\nthe log"
    assert failover.begin() == "It is stopped. start() first.\nthe log"


class TestRepair:
    def test_nothing_waits_without_a_test_of_failover(self, journal: Any) -> None:
        repair, steps = Repair(journal), list[str]()
        repair.begin(1)
        repair.then(lambda: steps.append("spawn"))
        assert (steps, journal.events) == (["spawn"], [])

    def test_what_follows_waits_for_the_answer(self, journal: Any) -> None:
        repair, steps = Repair(journal), list[str]()
        repair.let_through(1)
        repair.begin(1)
        repair.begin(1)
        assert journal.events == [ServerActionWanted("repair.1", PUT_RIGHT, "")]
        for step in ("first", "second"):
            repair.then(lambda step=step: steps.append(step))  # type: ignore[misc]  # a default binds it
        repair.take([ServerActionDone("70.1")])
        assert steps == []
        repair.take([ServerActionDone("repair.1")])
        assert steps == ["first", "second"]
        repair.then(lambda: steps.append("third"))
        assert steps[-1] == "third"

    def test_servers_that_cannot_be_put_right_end_the_run(self, journal: Any) -> None:
        repair = Repair(journal)
        repair.let_through(1)
        repair.begin(1)
        with pytest.raises(ServerError, match="could not be put right"):
            repair.take([ServerActionDone("repair.1", error="replica could not be put right")])

    def test_the_first_postponed_test_is_announced(self, journal: Any) -> None:
        repair = Repair(journal)
        repair.announce("a.b.c")
        repair.announce("a.b.d")
        ((code, text),) = journal.events
        assert code == "runs-alone"
        assert "a.b.c is the first" in text
