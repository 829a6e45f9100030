"""The end of a runner's container, and the state of its command, by the engine's answers."""

from typing import Any
from unittest import mock

import docker.errors
import pytest
import requests.exceptions

from harness.errors import ServerError
from harness.host.docker import runner
from harness.host.docker.runner import RunnerContainer, RunnerSpec, is_command_stopped

GONE = docker.errors.NotFound("No such container")

INIT = ["10", "1", "Ss"]
RUNS, STOPPED, ORPHAN = ["20", "10", "Sl"], ["20", "10", "Tl"], ["30", "10", "T"]
WORKER = ["25", "20", "T"]


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ([INIT, RUNS], False),
        ([INIT, STOPPED], True),
        ([WORKER, STOPPED, INIT], True),
        ([INIT, RUNS, WORKER], False),
        ([INIT, RUNS, ORPHAN], False),
        ([ORPHAN, RUNS, INIT], False),
        ([INIT], False),
        ([], False),
    ],
)
def test_the_command_is_distinguished_from_its_children(processes: list[list[str]], expected: bool) -> None:
    assert is_command_stopped(processes) is expected


def waited(answer: object, *states: object) -> tuple[int, bool]:
    """The result of a wait that the engine answers with *answer*, and of the container's *states* after it."""
    client = mock.Mock()
    client.api.wait.side_effect = [answer]
    client.api.inspect_container.side_effect = states
    spec = RunnerSpec("run", "image", (), "/project", "", None, {})
    return RunnerContainer(client, spec).wait(1)


def state(status: str = "exited", code: int = 0, *, oom_killed: bool = False) -> dict[str, Any]:
    return {"State": {"Status": status, "ExitCode": code, "OOMKilled": oom_killed}}


class TestWait:
    def test_the_status_is_the_one_that_the_wait_returns(self) -> None:
        assert waited({"StatusCode": 4}, state(code=0)) == (4, False)

    def test_a_lack_of_memory_may_show_later(self) -> None:
        assert waited({"StatusCode": 137}, state(), state(oom_killed=True)) == (137, True)

    @pytest.mark.parametrize(
        ("answer", "states"),
        [
            (GONE, []),
            ({"StatusCode": 0}, [GONE]),
            ({"StatusCode": 0}, [state("removing")]),
            ({"StatusCode": 137}, [state(), GONE]),
            (requests.exceptions.ReadTimeout(), [GONE]),
        ],
    )
    def test_a_container_that_is_gone_has_not_ended_well(self, answer: object, states: list[object]) -> None:
        with pytest.raises(ServerError) as caught:
            waited(answer, *states)
        assert caught.value.message == runner._removed().message

    def test_a_container_that_runs_is_late(self) -> None:
        with pytest.raises(ServerError, match="had not ended after 1 s"):
            waited(requests.exceptions.ReadTimeout(), state("running"))

    def test_an_end_at_the_deadline_counts(self) -> None:
        assert waited(requests.exceptions.ReadTimeout(), state(code=3)) == (3, False)
