import pytest

from harness.runner.schedule.commands import Assignment


@pytest.mark.parametrize("given", [Assignment(0, (0,)), Assignment(3, (1, 2, 5), 2)])
def test_a_worker_parses_the_assignment_that_was_sent(given: Assignment) -> None:
    assert given.line().endswith(b"\n")
    assert Assignment.parse(given.line()) == given
