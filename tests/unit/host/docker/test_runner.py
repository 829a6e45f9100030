"""The state of a runner's command, by the engine's list of processes."""

import pytest

from harness.host.docker.runner import is_command_stopped

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
