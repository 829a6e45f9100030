"""The stages of project code with a time limit, before and after the tests, and the error for one that hangs."""

import pytest

from harness.host.launch.stages import DISCOVERY, END, SETTINGS, TEMPLATE, hang, next_stage
from harness.protocol.events import PhaseFinished, PhaseStarted, RunFinished, RunPlanned, TopologyFound
from harness.protocol.topology import Topology

FOUND = TopologyFound(Topology(()), "config.settings", "3.13", "6.1")
STACKS = """Thread 0x01 (most recent call first):
  File "/usr/lib/python3.13/threading.py", line 5 in wait
  File "/project/shop/.venv/lib/python3.13/site-packages/lib.py", line 3 in connect
  File "/project/shop/tests.py", line 7 in <module>
  File "/project/shop/apps.py", line 9 in ready
  File "/opt/harness/harness/runner/bootstrap.py", line 35 in enter
"""


def test_the_stages_of_a_run() -> None:
    stage = SETTINGS
    seen = []
    for event in (
        PhaseStarted("setup"),
        FOUND,
        RunPlanned((), 1),
        PhaseStarted("template"),
        PhaseStarted("clones"),
        PhaseFinished("clones", 0.1),
        PhaseFinished("tests", 1.0),
        RunPlanned((), 1),  # a runner may come back with another suite
        PhaseFinished("tests", 1.0),
        RunFinished(0),
    ):
        stage = next_stage(stage, event)
        seen.append(stage)
    assert seen == [SETTINGS, DISCOVERY, TEMPLATE, TEMPLATE, None, None, END, TEMPLATE, END, END]


@pytest.mark.parametrize("stage", [DISCOVERY, TEMPLATE, END])
def test_what_may_wait_for_the_servers_is_counted_once_they_are_up(stage) -> None:
    assert stage.needs_servers
    assert not SETTINGS.needs_servers


def test_one_that_hangs_is_told_by_the_projects_own_frames() -> None:
    error = hang(DISCOVERY, 5.0, STACKS, "/project")
    assert error.exit_code == 4
    assert error.message == (
        "Within 5 s, the project has not come from its settings to the list of its tests:"
        " it hangs in shop/tests.py, line 7 in <module>."
    )
    assert "--setup-timeout" in error.hint
    first, *frames, last = error.evidence.partition("\n\n")[0].splitlines()
    assert (first.startswith("the project's frames"), len(frames)) == (True, 1)
    assert last == "shop/apps.py, line 9 in ready"
    assert error.evidence.endswith(STACKS.strip())


def test_one_that_does_not_answer_is_told_as_such() -> None:
    error = hang(TEMPLATE, 3600.0, "", "/project")
    assert error.message == "Within 3600 s, the project has not made its test databases."
    assert "--template-timeout" in error.hint
    assert "did not answer" in error.evidence
