"""The evidence of a worker that has died or was ended."""

import pytest

from harness.runner.workers.postmortem import phase_in

STACKS = """Thread 0x00007f (most recent call first):
  File "/app/tests/test_x.py", line 3 in slow
  File "/venv/lib/python3.13/site-packages/_pytest/fixtures.py", line 915 in call_fixture_func
  File "/venv/lib/python3.13/site-packages/_pytest/runner.py", line 160 in pytest_runtest_{}
  File "/venv/lib/python3.13/site-packages/pluggy/_callers.py", line 121 in _multicall
"""


@pytest.mark.parametrize(
    ("name", "phase"), [("setup", "set-up"), ("call", "call"), ("teardown", "tear-down"), ("protocol", "")]
)
def test_stacks_have_the_phase_of_a_test(name: str, phase: str) -> None:
    assert phase_in(STACKS.format(name)) == phase
    assert phase_in("") == ""
