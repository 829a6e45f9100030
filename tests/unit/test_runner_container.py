"""What the engine's list of a runner's processes says."""

import pytest

from harness.host.docker.runner import is_command_stopped

INIT = ["10", "1", "Ss"]
RUNS, STOPPED, ORPHAN = ["20", "10", "Sl"], ["20", "10", "Tl"], ["30", "10", "T"]
WORKER = ["25", "20", "T"]


@pytest.mark.parametrize(
    ("processes", "has_init", "expected"),
    [
        ([INIT, RUNS], True, False),
        ([INIT, STOPPED], True, True),
        ([WORKER, STOPPED, INIT], True, True),
        ([INIT, RUNS, WORKER], True, False),
        ([INIT, RUNS, ORPHAN], True, False),
        ([ORPHAN, RUNS, INIT], True, False),
        ([RUNS, WORKER], False, False),
        ([STOPPED, WORKER], False, True),
        ([["20", "10", "t"]], False, False),
        ([INIT], True, False),
        ([], True, False),
        ([], False, False),
    ],
)
def test_the_command_is_told_from_what_it_started(processes, has_init, expected):
    assert is_command_stopped(processes, has_init=has_init) is expected
