"""The stages of project code with a time limit, before and after the tests, and the error for one that hangs."""

from __future__ import annotations

import pytest

from harness.host.launch.stages import DISCOVERY, END, SETTINGS, TEMPLATE, Stage, hang_error, next_stage
from harness.protocol.events import Event, PhaseFinished, PhaseStarted, RunFinished, RunPlanned, TopologyFound
from harness.protocol.topology import Topology

FOUND = TopologyFound(Topology(()), "config.settings", "3.13", "6.1")
STACKS = """Thread 0x01 (most recent call first):
  File "/usr/lib/python3.13/threading.py", line 5 in wait
  File "/project/shop/.venv/lib/python3.13/site-packages/lib.py", line 3 in connect
  File "/project/shop/tests.py", line 7 in <module>
  File "/project/shop/apps.py", line 9 in ready
  File "/opt/harness/harness/runner/bootstrap.py", line 35 in enter
"""


def test_events_lead_through_the_stages() -> None:
    stage: Stage | None = SETTINGS
    seen = []
    events: list[Event] = [
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
    ]
    for event in events:
        stage = next_stage(stage, event)
        seen.append(stage)
    assert seen == [SETTINGS, DISCOVERY, TEMPLATE, TEMPLATE, None, None, END, TEMPLATE, END, END]


@pytest.mark.parametrize("stage", [DISCOVERY, TEMPLATE, END])
def test_stages_after_the_settings_may_wait_for_the_servers(stage: Stage) -> None:
    assert stage.needs_servers
    assert not SETTINGS.needs_servers


def test_a_hang_is_reported_with_the_frames_of_the_project() -> None:
    error = hang_error(DISCOVERY, 5.0, STACKS, "/project")
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


def test_a_runner_that_does_not_answer_is_reported_as_such() -> None:
    error = hang_error(TEMPLATE, 3600.0, "", "/project")
    assert error.message == "Within 3600 s, the project has not made its test databases."
    assert "--template-timeout" in error.hint
    assert "did not answer" in error.evidence
